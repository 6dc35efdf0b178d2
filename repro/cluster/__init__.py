"""A session's runs on the workers of a cluster: what is sent to them, what comes back, and which of them are taken.

The engine is Dask distributed (``pip install '.[cluster]'`` in a checkout); only ``pool.py`` and ``starting.py``
import it, and only where a session was given --cluster.
"""

from ..errors import ReproError


class ClusterError(ReproError):
    """The cluster, or a machine of it, failed or cannot be used; this says nothing of any claim."""


class LostError(ClusterError):
    """The connection to the cluster broke while work was out; the work can be sent again if it comes back."""
