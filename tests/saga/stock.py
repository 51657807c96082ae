"""Three units of one product, taken and put back in the transaction of a step."""

from dataclasses import replace
from typing import Any

from domain.orders.inventory import Stock
from lib.datastore import Transaction, key
from lib.saga.definition.context import Permanent

STOCK = key(Stock, "cd")


def take(tx: Transaction) -> dict[str, int]:
    stock = tx.get(STOCK)
    if stock.units < 3:
        raise Permanent("too few")
    tx.update(replace(stock, units=stock.units - 3))
    return {"taken": 3}


def put_back(tx: Transaction, result: Any) -> None:
    stock = tx.get(STOCK)
    tx.update(replace(stock, units=stock.units + result["taken"]))
