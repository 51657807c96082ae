"""The table of sagas: a new saga is one file and one line here.

An old version stays in the table until no unfinished saga needs it.
"""

from domain.orders.saga import ORDER_PROCESSING
from lib.saga import Definitions
from lib.saga.operators.probe import DEPLOYMENT_PROBE

DEFINITIONS = Definitions([ORDER_PROCESSING, DEPLOYMENT_PROBE])
