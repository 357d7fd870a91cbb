"""A work directory, a machine and some of its normal sound -> the work directory of one device."""
