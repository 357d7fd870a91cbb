"""What a work directory has to tell: so far, what the attention of its model looks at."""
