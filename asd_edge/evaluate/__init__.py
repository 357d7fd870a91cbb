"""Stage 11: clips scored on every rung of the parity ladder become AUC, pAUC, mAUC, thresholds and a parity verdict."""
