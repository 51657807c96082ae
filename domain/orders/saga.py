"""The order saga, step by step."""

import os
from datetime import timedelta

from domain.orders import inventory, notifications, payments, shipping
from domain.orders.order import Order
from lib.saga import Chaining, RetryPolicy, Saga, Step

#: The sample runs in either mode, so that one can compare them.
CHAINING = Chaining(os.environ.get("AMENDS_CHAINING", Chaining.TASKS))

ORDER_PROCESSING = Saga(
    "order-processing",
    payload=Order,
    steps=(
        Step(
            "reserve-inventory",
            service="inventory",
            execute=inventory.reserve,
            compensate=inventory.release,
        ),
        Step(
            "process-payment",
            service="payment",
            execute=payments.charge,
            compensate=payments.refund,
            timeout=timedelta(seconds=20),
            retry=RetryPolicy(attempts=5),
        ),
        Step(
            "create-shipment",
            service="shipping",
            execute=shipping.create,
            compensate=shipping.cancel,
            timeout=timedelta(seconds=5),
        ),
        Step("send-notification", service="notification", execute=notifications.send),
    ),
    chaining=CHAINING,
)
