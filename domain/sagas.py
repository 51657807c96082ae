"""The table of sagas: to add a saga, write a module and list the saga here.

Keep an old version in the table until no unfinished saga needs it.
"""

from domain.orders.saga import ORDER_PROCESSING
from lib.saga import Definitions
from lib.saga.operators.probe import DEPLOYMENT_PROBE

DEFINITIONS = Definitions([ORDER_PROCESSING, DEPLOYMENT_PROBE])
