"""Import TensorFlow without the lines that its C++ prints while it loads."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def _quiet_stderr():
    """Hide what is printed on descriptor 2; show it after all if the block fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            log.seek(0)
            os.write(2, log.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def import_tensorflow():
    """TensorFlow, imported on the first call; only a driver that needs it calls this.

    Raises: UserError if no TensorFlow is installed, with what to install.
    """
    from misc.config.errors import UserError

    # What several workers have to say of a failure comes as one line of ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if os.environ.get("TF_CONFIG") else "2")
    try:
        with _quiet_stderr():
            import tensorflow

            tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise UserError(
            f"TensorFlow cannot be imported ({error}): run `make venv`, or `pip install -e .[cpu]` "
            "(a machine with an NVIDIA GPU: .[gpu])"
        ) from error
    return tensorflow
