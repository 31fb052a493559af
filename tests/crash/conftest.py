from tests.e2e.conftest import rig_of

__all__ = ["rig_of"]
