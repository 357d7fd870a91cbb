"""Tests of stage 1: files and folders of sound become samples and records."""
