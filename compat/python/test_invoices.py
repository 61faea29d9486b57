import datetime

import chartmogul
from chartmogul import Invoice, LineItem, Transaction
from reseed import Case, config, invoice, new_customer, new_invoices, new_plan, new_source

UTC = datetime.timezone.utc

# Fields that the client knows, and that are not part of an answer: errors are those of an import, and single items have no period.
UNTOLD = ("errors",)
OF_SUBSCRIPTIONS = (
    "plan_uuid",
    "prorated",
    "service_period_end",
    "service_period_start",
    "subscription_external_id",
    "subscription_set_external_id",
    "subscription_uuid",
)


class Billed(Case):
    """A customer with a plan and invoices."""

    ids = ("i1",)

    def setUp(self):
        super().setUp()
        self.source = new_source()
        self.customer = new_customer(self.source, "ann")
        self.plan = new_plan(self.source, "gold")
        self.invoices = new_invoices(self.customer, *(invoice(id, self.plan) for id in self.ids))
        self.bill = self.invoices[0]

    def named(self, external_id):
        return {"data_source_uuid": self.source.uuid, "external_id": external_id}


class Invoices(Billed):
    ids = ("i1", "i2", "i3", "i4", "i5")

    def retrieve(self, **query):
        return Invoice.retrieve(config, uuid=self.bill.uuid, **query)

    def test_are_created_with_line_items_and_transactions(self):
        line, extra = self.bill.line_items
        self.assertEqual((self.bill.errors, self.bill.date), ({}, datetime.datetime(2025, 1, 1, tzinfo=UTC)))
        self.assertEqual((line.type, line.plan_uuid, line.amount_in_cents, line.quantity), ("subscription", self.plan.uuid, 1000, 2))
        self.assertEqual(line.service_period_end, datetime.datetime(2025, 2, 1, tzinfo=UTC))
        self.assertEqual((extra.type, extra.description, extra.quantity), ("one_time", "Setup", 1))
        self.assertEqual(self.bill.transactions[0].amount_in_cents, 1590)
        got = self.retrieve().get()
        self.assertEqual((got.uuid, got.customer_uuid), (self.bill.uuid, self.customer.uuid))
        self.assertEqual((len(got.line_items), len(got.transactions)), (2, 1))
        self.assertTold(got, "data_source_uuid", "edit_history_summary")
        self.assertTold(got.line_items[0], *UNTOLD, "description", "subscription_set_external_id")
        self.assertTold(got.line_items[1], *UNTOLD, *OF_SUBSCRIPTIONS)
        self.assertTold(got.transactions[0], *UNTOLD)

    def test_are_listed_page_by_page(self):
        for of in ({"customer_uuid": self.customer.uuid}, {"data_source_uuid": self.source.uuid}, {"uuid": self.customer.uuid}):
            listed = self.pages("invoices", lambda **query: Invoice.all(config, **of, **query))
            self.assertEqual(sorted(i.external_id for i in listed), list(self.ids))
        self.assertEqual(Invoice.all(config, uuid=self.customer.uuid).get().customer_uuid, self.customer.uuid)
        by_id = Invoice.retrieve(config, **self.named("i1")).get()
        self.assertEqual(repr(by_id), repr(self.retrieve().get()))
        self.assertEqual(repr(Invoice.all(config, **self.named("i1")).get().invoices), repr([by_id]))

    def test_are_disabled_and_enabled_by_uuid_and_by_external_id(self):
        for name in ({"uuid": self.bill.uuid}, self.named("i1")):
            self.assertIs(Invoice.disable(config, **name, data={"disabled": True}).get().disabled, True)
            self.missing(self.retrieve())
            disabled = self.retrieve(with_disabled=True).get()
            self.assertIs(disabled.disabled, True)
            self.assertIsInstance(disabled.disabled_at, datetime.datetime)
            self.assertIs(Invoice.disable(config, **name, data={"disabled": False}).get().disabled, False)
            self.assertIs(self.retrieve().get().disabled, False)

    def test_are_voided(self):
        # The client reads every answer as an invoice: this one, a message, becomes one without fields.
        Invoice.update_status(config, **self.named("i1"), data={"status": "voided"}).get()
        self.assertEqual(self.retrieve(include_edit_histories=True).get().status, "voided")
        body = self.refused(422, Invoice.update_status(config, **self.named("i1"), data={"status": "paid"}))
        self.assertEqual(body, {"message": "Status transition is not allowed"})

    def test_are_refused_one_by_one(self):
        bad = {**invoice("bad", self.plan), "currency": "gold"}
        body = self.refused(422, Invoice.create(config, uuid=self.customer.uuid, data={"invoices": [bad]}))
        self.assertIsInstance(body["invoices"][0]["errors"]["currency"], str)
        self.missing(Invoice.create(config, uuid="cus_nowhere", data={"invoices": [invoice("x", self.plan)]}))
        self.assertEqual(self.missing(Invoice.retrieve(config, uuid="inv_nowhere")), {"error": "Invoice not found"})

    def test_are_erased_by_uuid_by_external_id_and_with_their_customer(self):
        self.assertIsNone(Invoice.destroy(config, uuid=self.bill.uuid).get())
        self.missing(self.retrieve())
        self.assertIsNone(Invoice.destroy(config, **self.named("i2")).get())
        left = Invoice.all(config, uuid=self.customer.uuid).get().invoices
        self.assertEqual(sorted(i.external_id for i in left), ["i3", "i4", "i5"])
        destroyed = Invoice.destroy_all(config, data_source_uuid=self.source.uuid, customer_uuid=self.customer.uuid)
        self.assertIsNone(destroyed.get())
        self.assertEqual(Invoice.all(config, uuid=self.customer.uuid).get().invoices, [])
        self.assertEqual(chartmogul.Customer.retrieve(config, uuid=self.customer.uuid).get().uuid, self.customer.uuid)


class Parts:
    """What line items and transactions have in common; each names its class, its list and what is sent."""

    def setUp(self):
        super().setUp()
        self.made = self.of.create(config, uuid=self.bill.uuid, data=dict(self.order)).get()

    def retrieve(self, **query):
        return self.of.retrieve(config, uuid=self.made.uuid, **query)

    def in_invoice(self):
        return [part.external_id for part in getattr(Invoice.retrieve(config, uuid=self.bill.uuid).get(), self.key)]

    def test_are_created_and_retrieved(self):
        self.assertEqual((self.made.type, self.made.external_id, self.made.amount_in_cents), (self.order["type"], "new", 700))
        self.assertTold(self.made, *UNTOLD, *self.untold)
        self.assertEqual(repr(self.retrieve().get()), repr(self.made))
        self.assertEqual(repr(self.of.retrieve(config, **self.named("new")).get()), repr(self.made))
        self.assertIn("new", self.in_invoice())

    def test_are_changed_by_uuid_and_by_external_id(self):
        self.assertEqual(self.of.modify(config, uuid=self.made.uuid, data={"amount_in_cents": 800}).get().amount_in_cents, 800)
        self.of.modify(config, **self.named("new"), data={"transaction_fees_in_cents": 9}).get()
        got = self.retrieve(include_edit_histories=True).get()
        self.assertEqual((got.amount_in_cents, got.transaction_fees_in_cents), (800, 9))
        edited = self.of.modify(config, **self.named("new"), handle_as_user_edit=True, data={"amount_in_cents": 900}).get()
        self.assertEqual(edited.amount_in_cents, 900)

    def test_are_disabled_and_enabled_by_uuid_and_by_external_id(self):
        for name in ({"uuid": self.made.uuid}, self.named("new")):
            self.assertIs(self.of.disable(config, **name, data={"disabled": True}).get().disabled, True)
            self.missing(self.retrieve())
            self.assertIs(self.retrieve(with_disabled=True).get().disabled, True)
            self.assertIs(self.of.disable(config, **name, data={"disabled": False}).get().disabled, False)
            self.assertIs(self.retrieve().get().disabled, False)

    def test_are_refused(self):
        body = self.refused(422, self.of.create(config, uuid=self.bill.uuid, data=dict(self.bad)))
        self.assertIsInstance(body["errors"], dict)
        self.missing(self.of.create(config, uuid="inv_nowhere", data=dict(self.order)))
        self.missing(self.of.retrieve(config, uuid="li_nowhere"))
        self.missing(self.of.retrieve(config, **self.named("nowhere")))

    def test_are_removed_by_uuid_and_by_external_id(self):
        before = self.in_invoice()
        self.assertIsNone(self.of.destroy(config, uuid=self.made.uuid).get())
        self.missing(self.retrieve())
        self.assertIsNone(self.of.destroy(config, **self.named(self.first)).get())
        self.assertEqual(self.in_invoice(), [id for id in before if id not in ("new", self.first)])


class LineItems(Parts, Billed):
    of, key, first, untold = LineItem, "line_items", "i1-line", OF_SUBSCRIPTIONS
    order = {"type": "one_time", "external_id": "new", "amount_in_cents": 700, "description": "More"}
    bad = {"type": "one_time", "amount_in_cents": "much"}


class Transactions(Parts, Billed):
    of, key, first, untold = Transaction, "transactions", "i1-paid", ()
    order = {
        "type": "refund",
        "external_id": "new",
        "amount_in_cents": 700,
        "result": "failed",
        "date": datetime.datetime(2025, 1, 3, tzinfo=UTC),
    }
    bad = {"type": "refund", "date": "2025-01-03", "result": "perhaps"}
