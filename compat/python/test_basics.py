import datetime

import chartmogul
from reseed import Case, config, connect, new_customer, new_plan, new_source


class Basics(Case):
    def test_ping(self):
        self.assertEqual(chartmogul.Ping.ping(config).get().data, "pong!")

    def test_a_wrong_key_and_none_are_refused(self):
        for key in ("wrong", ""):
            body = self.refused(401, chartmogul.Ping.ping(connect(key)))
            self.assertEqual(body, {"code": 401, "message": "No valid API key provided", "param": None})
        self.refused(401, chartmogul.DataSource.create(connect("wrong"), data={"name": "Nobody"}))
        self.assertEqual(chartmogul.DataSource.all(config, name="Nobody").get().data_sources, [])

    def test_what_is_not_served_is_not_found_or_not_allowed(self):
        source = new_source()
        self.missing(chartmogul.SubscriptionEvent.all(config))
        self.missing(chartmogul.Contact.all(config))
        self.missing(chartmogul.Metrics.mrr(config, start_date="2025-01-01", end_date="2025-02-01"))
        self.missing(chartmogul.JsonImport.create(config, data_source_uuid=source.uuid, uuid=source.uuid, data={"external_id": "j"}))
        plan = new_plan(source, "p")
        self.refused(405, chartmogul.Plan.destroy(config, uuid=plan.uuid))
        self.assertEqual(chartmogul.Plan.retrieve(config, uuid=plan.uuid).get().name, "Gold")


class DataSources(Case):
    def setUp(self):
        super().setUp()
        self.source = new_source()

    def retrieve(self, **query):
        return chartmogul.DataSource.retrieve(config, uuid=self.source.uuid, **query)

    def test_are_listed_by_name_and_retrieved(self):
        self.assertEqual(self.source.system, "Custom")
        self.assertIsInstance(self.source.created_at, datetime.datetime)
        self.assertTold(self.source, "processing_status", "auto_churn_subscription_setting", "invoice_handling_setting")
        named = chartmogul.DataSource.all(config, name=self.source.name).get().data_sources
        self.assertEqual(repr(named), repr([self.source]))
        self.assertGreaterEqual(len(chartmogul.DataSource.all(config).get().data_sources), 2)
        self.assertEqual(repr(self.retrieve().get()), repr(self.source))

    def test_tell_their_settings_to_those_who_ask(self):
        full = self.retrieve(
            with_processing_status=True, with_auto_churn_subscription_setting=True, with_invoice_handling_setting=True
        ).get()
        self.assertTold(full)
        self.assertTold(full.processing_status)
        self.assertTold(full.auto_churn_subscription_setting)
        self.assertEqual(full.processing_status.pending, 0)
        self.assertIs(full.auto_churn_subscription_setting.enabled, False)
        self.assertIn("manual", full.invoice_handling_setting)

    def test_need_a_name_that_is_free(self):
        self.refused(400, chartmogul.DataSource.create(config, data={}))
        body = self.refused(422, chartmogul.DataSource.create(config, data={"name": self.source.name}))
        self.assertIsInstance(body["errors"]["name"], str)

    def test_are_erased_with_what_they_hold(self):
        new_customer(self.source, "c")
        self.assertIsNone(chartmogul.DataSource.destroy(config, uuid=self.source.uuid).get())
        self.assertEqual(self.missing(self.retrieve()), {"error": "Data source not found"})
        self.missing(chartmogul.DataSource.destroy(config, uuid=self.source.uuid))
        self.assertEqual(chartmogul.Customer.all(config, data_source_uuid=self.source.uuid).get().entries, [])


class Plans(Case):
    def setUp(self):
        super().setUp()
        self.source = new_source()
        self.plan = new_plan(self.source, "gold")

    def test_are_retrieved_and_listed_page_by_page(self):
        self.assertTold(self.plan)
        self.assertEqual(repr(chartmogul.Plan.retrieve(config, uuid=self.plan.uuid).get()), repr(self.plan))

        def list_(**query):
            return chartmogul.Plan.all(config, data_source_uuid=self.source.uuid, **query)

        self.assertEqual(repr(list_(external_id="gold").get().plans), repr([self.plan]))
        for external_id in ("silver", "iron", "tin", "lead"):
            new_plan(self.source, external_id)
        self.assertEqual(sorted(p.external_id for p in self.pages("plans", list_)), ["gold", "iron", "lead", "silver", "tin"])

    def test_are_changed(self):
        change = {"name": "Golden", "interval_unit": "year"}
        self.assertIsNone(chartmogul.Plan.modify(config, uuid=self.plan.uuid, data=change).get())  # so the client reads a 202
        changed = chartmogul.Plan.retrieve(config, uuid=self.plan.uuid).get()
        self.assertEqual((changed.name, changed.interval_count, changed.interval_unit), ("Golden", 1, "year"))

    def test_are_refused_field_by_field(self):
        order = {"data_source_uuid": self.source.uuid, "name": "Bad", "interval_count": 0, "interval_unit": "week"}
        body = self.refused(422, chartmogul.Plan.create(config, data=order))
        self.assertEqual(sorted(body["errors"]), ["interval_count", "interval_unit"])
        self.refused(400, chartmogul.Plan.create(config, data={"data_source_uuid": self.source.uuid}))
        self.refused(422, chartmogul.Plan.create(config, data={**order, "external_id": "gold", "interval_count": 1, "interval_unit": "day"}))
        self.assertEqual(self.missing(chartmogul.Plan.retrieve(config, uuid="pl_nowhere")), {"error": "Plan not found"})
