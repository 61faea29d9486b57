import datetime

import chartmogul
from chartmogul import Attributes, CustomAttributes, Customer, Tags
from reseed import Case, config, new_customer, new_source

UTC = datetime.timezone.utc


def retrieve(customer):
    return Customer.retrieve(config, uuid=customer.uuid)


class Customers(Case):
    def setUp(self):
        super().setUp()
        self.source = new_source()
        self.email = self.source.uuid + "@example.com"
        self.customer = new_customer(
            self.source,
            "ann",
            email=self.email,
            company="Ann & Sons",
            country="US",
            state="US-CA",
            city="Fresno",
            zip="93650",
            lead_created_at=datetime.datetime(2024, 1, 1, tzinfo=UTC),
            free_trial_started_at=datetime.datetime(2024, 2, 1, 12, 30, tzinfo=UTC),
            website_url="https://example.com",
            primary_contact={"first_name": "Ann", "last_name": "Oak", "email": self.email},
            attributes={"tags": ["first"], "custom": [{"type": "Integer", "key": "seats", "value": 7}]},
        )

    def test_are_created_with_all_their_fields(self):
        customer = self.customer
        self.assertTold(customer)
        self.assertTold(customer.address)
        self.assertTold(customer.attributes, "clearbit")  # which ChartMogul has given up in 2025
        self.assertEqual((customer.name, customer.email, customer.status), ("Ann", self.email, "New Lead"))
        self.assertIsNone(customer.customer_since)
        self.assertEqual(customer.lead_created_at, datetime.datetime(2024, 1, 1, tzinfo=UTC))
        self.assertEqual(customer.free_trial_started_at, datetime.datetime(2024, 2, 1, 12, 30, tzinfo=UTC))
        self.assertEqual((customer.address.country, customer.address.state), ("United States", "California"))
        self.assertEqual((customer.attributes.tags, customer.attributes.custom), (["first"], {"seats": 7}))
        self.assertEqual((customer.data_source_uuids, customer.external_ids), ([self.source.uuid], ["ann"]))
        self.assertEqual(repr(retrieve(customer).get()), repr(customer))

    def test_are_listed_by_external_id_and_page_by_page(self):
        for external_id in ("bob", "cid", "dan", "eve"):
            new_customer(self.source, external_id)

        def list_(**query):
            return Customer.all(config, data_source_uuid=self.source.uuid, **query)

        self.assertEqual(repr(list_(external_id="ann").get().entries), repr([self.customer]))
        self.assertEqual(sorted(c.external_id for c in self.pages("entries", list_)), ["ann", "bob", "cid", "dan", "eve"])

    def test_are_found_by_email_address(self):
        found = Customer.search(config, email=self.email).get()
        self.assertEqual((repr(found.entries), found.has_more), (repr([self.customer]), False))
        body = self.missing(Customer.search(config, email="no@example.com"))
        self.assertEqual(body, {"code": 404, "message": 'Can\'t find any customers with email: "no@example.com"', "param": "email"})
        self.refused(400, Customer.search(config))

    def test_are_changed(self):
        change = {"name": "Anna", "city": None, "attributes": {"tags": ["second"], "custom": {"seats": 8, "plan": {"value": "big"}}}}
        changed = Customer.modify(config, uuid=self.customer.uuid, data=change).get()
        self.assertEqual((changed.name, changed.city, changed.zip), ("Anna", None, "93650"))
        self.assertEqual((changed.attributes.tags, changed.attributes.custom), (["second"], {"seats": 8, "plan": "big"}))
        body = self.refused(422, Customer.modify(config, uuid=self.customer.uuid, data={"country": "Nowhere"}))
        self.assertIsInstance(body["errors"]["country"], str)
        self.assertEqual(repr(retrieve(self.customer).get()), repr(changed))

    def test_are_refused(self):
        order = {"data_source_uuid": self.source.uuid, "external_id": "ann"}
        self.assertIsInstance(self.refused(422, Customer.create(config, data=order))["errors"]["external_id"], str)
        self.refused(400, Customer.create(config, data={"name": "No source"}))
        nowhere = {"data_source_uuid": "ds_nowhere", "external_id": "x"}
        self.assertEqual(self.missing(Customer.create(config, data=nowhere)), {"error": "Data source not found"})
        self.assertEqual(self.missing(Customer.retrieve(config, uuid="cus_nowhere")), {"error": "Customer not found"})

    def test_are_erased(self):
        gone = new_customer(self.source, "gone", email="gone-" + self.email)
        self.assertIsNone(Customer.destroy(config, uuid=gone.uuid).get())
        self.missing(retrieve(gone))
        self.missing(Customer.search(config, email="gone-" + self.email))
        self.assertEqual(repr(retrieve(self.customer).get()), repr(self.customer))

    def test_are_merged_and_parted_again(self):
        there = new_source()
        other = new_customer(there, "from", name="Beth", attributes={"tags": ["b"]})
        whole = {"from": {"customer_uuid": other.uuid}, "into": {"customer_uuid": self.customer.uuid}}
        self.assertIsNone(Customer.merge(config, data=whole).get())
        one = retrieve(self.customer).get()
        self.assertEqual((one.external_ids, one.data_source_uuids), (["ann", "from"], [self.source.uuid, there.uuid]))
        self.assertEqual(sorted(one.attributes.tags), ["b", "first"])
        self.missing(retrieve(other))

        part = {"customer_uuid": self.customer.uuid, "data_source_uuid": there.uuid, "external_id": "from"}
        self.assertIsNone(Customer.unmerge(config, data=part).get())
        self.assertEqual(repr(retrieve(self.customer).get()), repr(self.customer))
        self.assertEqual([c.name for c in Customer.all(config, data_source_uuid=there.uuid).get().entries], ["Beth"])

        def named(source, external_id):
            return {"data_source_uuid": source.uuid, "external_id": external_id}

        self.missing(Customer.merge(config, data={"from": named(there, "nobody"), "into": named(self.source, "ann")}))
        self.refused(400, Customer.merge(config, data={"from": named(there, "from")}))
        Customer.merge(config, data={"from": named(there, "from"), "into": named(self.source, "ann")}).get()
        self.assertEqual(retrieve(self.customer).get().external_ids, ["ann", "from"])


class TagsAndCustomAttributes(Case):
    def setUp(self):
        super().setUp()
        source = new_source()
        self.email = source.uuid + "@example.com"
        self.customer = new_customer(source, "ann", email=self.email)
        self.other = new_customer(source, "bob", email=self.email)

    def test_tags_are_added_and_removed(self):
        id = self.customer.uuid
        self.assertEqual(Tags.add(config, uuid=id, data={"tags": ["a", "b"]}).get().tags, ["a", "b"])
        self.assertEqual(Tags.remove(config, uuid=id, data={"tags": ["a"]}).get().tags, ["b"])
        # The client adds by e-mail address through either of these.
        for tag, call in (("c", Tags.add), ("d", Tags.add_by_email)):
            customers = call(config, data={"email": self.email, "tags": [tag]}).get().entries
            self.assertEqual([tag in c.attributes.tags for c in customers], [True, True])
        self.assertEqual(Attributes.retrieve(config, uuid=id).get().tags, ["b", "c", "d"])
        self.assertEqual(Attributes.retrieve(config, uuid=self.other.uuid).get().tags, ["c", "d"])
        self.missing(Tags.add_by_email(config, data={"email": "no@example.com", "tags": ["c"]}))
        self.refused(422, Tags.add(config, uuid=id, data={"tags": "a"}))

    def test_custom_attributes_are_added_set_and_removed(self):
        id = self.customer.uuid
        custom = [
            {"type": "String", "key": "channel", "value": "Facebook", "source": "integration"},
            {"type": "Integer", "key": "age", "value": 8},
            {"type": "Decimal", "key": "score", "value": 1.5},
            {"type": "Boolean", "key": "pro", "value": True},
            {"type": "Timestamp", "key": "since", "value": datetime.datetime(2016, 1, 31, tzinfo=UTC)},
        ]
        all_ = {"channel": "Facebook", "age": 8, "score": 1.5, "pro": True, "since": "2016-01-31T00:00:00.000Z"}
        self.assertEqual(CustomAttributes.add(config, uuid=id, data={"custom": custom}).get().custom, all_)
        change = {"custom": {"age": 20, "channel": {"value": "Twitter", "source": "me"}}}
        self.assertEqual(CustomAttributes.update(config, uuid=id, data=change).get().custom, {**all_, "age": 20, "channel": "Twitter"})
        left = CustomAttributes.remove(config, uuid=id, data={"custom": ["score", "pro", "since"]}).get().custom
        self.assertEqual(left, {"age": 20, "channel": "Twitter"})
        age = [{"type": "Integer", "key": "age", "value": 1}]
        customers = CustomAttributes.add_by_email(config, data={"email": self.email, "custom": age}).get().entries
        self.assertEqual([c.attributes.custom["age"] for c in customers], [1, 1])
        self.assertEqual(Attributes.retrieve(config, uuid=id).get().custom, {"age": 1, "channel": "Twitter"})
        bad = [{"type": "Integer", "key": "age", "value": "old"}]
        self.refused(422, CustomAttributes.add(config, uuid=id, data={"custom": bad}))
        self.missing(chartmogul.Attributes.retrieve(config, uuid="cus_nowhere"))
