"""The table of sagas: a new saga is one file and one line here.

An old version stays in the table until no unfinished saga needs it.
"""

from lib.orders.saga import ORDER_PROCESSING
from lib.probe import DEPLOYMENT_PROBE
from lib.saga.definition import Definitions

DEFINITIONS = Definitions([ORDER_PROCESSING, DEPLOYMENT_PROBE])
