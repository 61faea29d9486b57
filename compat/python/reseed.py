"""What the tests share: the client, pointed at the running Reseed that the environment names, and records that must survive."""

import os
import unittest
import uuid

import chartmogul


def connect(key):
    """The client's configuration with a key. An answer that asks to try again fails the test at once."""
    config = chartmogul.Config(key, max_retries=0)
    config.uri = os.environ["RESEED_URL"] + "/v1"
    return config


config = connect(os.environ["RESEED_API_KEY"])


def new_source():
    return chartmogul.DataSource.create(config, data={"name": "Python " + str(uuid.uuid4())}).get()


def new_customer(source, external_id, **more):
    data = {"data_source_uuid": source.uuid, "external_id": external_id, "name": "Ann", **more}
    return chartmogul.Customer.create(config, data=data).get()


def new_plan(source, external_id):
    data = {"data_source_uuid": source.uuid, "external_id": external_id, "name": "Gold", "interval_count": 1, "interval_unit": "month"}
    return chartmogul.Plan.create(config, data=data).get()


def invoice(external_id, plan):
    """An invoice with a subscription, a single item and a payment, as it is sent. Its id is part of theirs."""
    return {
        "external_id": external_id,
        "date": "2025-01-01T00:00:00.000Z",
        "due_date": "2025-01-15T00:00:00.000Z",
        "currency": "EUR",
        "line_items": [
            {
                "type": "subscription",
                "external_id": external_id + "-line",
                "subscription_external_id": "sub",
                "plan_uuid": plan.uuid,
                "service_period_start": "2025-01-01T00:00:00.000Z",
                "service_period_end": "2025-02-01T00:00:00.000Z",
                "amount_in_cents": 1000,
                "quantity": 2,
                "discount_code": "NEW",
                "discount_amount_in_cents": 100,
                "tax_amount_in_cents": 190,
            },
            {"type": "one_time", "external_id": external_id + "-extra", "description": "Setup", "amount_in_cents": 500},
        ],
        "transactions": [
            {
                "external_id": external_id + "-paid",
                "date": "2025-01-02T00:00:00.000Z",
                "type": "payment",
                "result": "successful",
                "amount_in_cents": 1590,
            }
        ],
    }


def new_invoices(customer, *invoices):
    return chartmogul.Invoice.create(config, uuid=customer.uuid, data={"invoices": list(invoices)}).get().invoices


class Case(unittest.TestCase):
    """A test beside a bystander: one record of each kind, in a source of its own, which must be as it was in the end."""

    maxDiff = None

    def setUp(self):
        source = new_source()
        customer = new_customer(source, "bystander", email="bystander@example.com", attributes={"tags": ["kept"]})
        plan = new_plan(source, "bystander")
        bill = new_invoices(customer, invoice("bystander", plan))[0]
        self._bystander = (
            (chartmogul.DataSource, source.uuid),
            (chartmogul.Customer, customer.uuid),
            (chartmogul.Plan, plan.uuid),
            (chartmogul.Invoice, bill.uuid),
        )
        before = self._read_bystander()
        self.addCleanup(lambda: self.assertEqual(self._read_bystander(), before))

    def _read_bystander(self):
        return [repr(kind.retrieve(config, uuid=id).get()) for kind, id in self._bystander]

    def assertTold(self, record, *untold):
        """Checks that a record has all fields that the client knows, but those named."""
        self.assertEqual(sorted(set(record._Schema().fields) - set(vars(record))), sorted(untold))

    def refused(self, status, promise):
        """Checks that a call fails with the client's own error, and returns the body of the answer."""
        with self.assertRaises(chartmogul.APIError) as caught:
            promise.get()
        answer = caught.exception.__cause__.response
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertEqual(caught.exception.args, (answer.content,))
        return answer.json()

    def missing(self, promise):
        return self.refused(404, promise)

    def pages(self, key, list_):
        """Reads a list page by page until it has no more, and returns all records."""
        all_, more = [], {}
        while True:
            page = list_(per_page=2, **more).get()
            self.assertLessEqual(len(getattr(page, key)), 2)
            all_ += getattr(page, key)
            if not page.has_more:
                return all_
            more = {"cursor": page.cursor}
