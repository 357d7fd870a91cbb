"""Programs that are copied to a board and run there: each one file, without the rest of asd-edge."""
