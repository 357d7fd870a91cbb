"""Holds NumPy's BLAS to one thread while a NumPy interpreter runs: on a busy machine more threads are slower by far."""

from contextlib import AbstractContextManager, nullcontext

try:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
except ModuleNotFoundError:  # comes with scikit-learn on the workstation; a device sets OPENBLAS_NUM_THREADS instead
    threadpool_limits = None


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which BLAS uses one thread, where that can be set; torch's own threads are left alone."""
    return nullcontext() if threadpool_limits is None else threadpool_limits(1, user_api="blas")
