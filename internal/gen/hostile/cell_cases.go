package hostile

import "strings"

func amounts() []Case {
	amountRow := "inv_base,li_%n,,OneTime,%v,,2024-01-01,2024-01-02,1,FALSE,"
	const cents, big = "not_a_number_of_cents", "out_of_range"
	return []Case{
		Case{
			File: "amount_forms.csv", Dataset: "line_items", Family: familyAmounts,
			Why: "an amount is a whole number of cents in digits; nothing is guessed",
		}.probes(lineItemsHeader, amountRow, "Amount in cents",
			probe{"1250", ""}, probe{"-1250", ""}, probe{"0", ""}, probe{"-0", ""}, probe{"007", ""}, probe{" 5 ", ""},
			probe{"1e9", cents}, probe{"1,234.50", cents}, probe{"1.234,50", cents}, probe{"(5.00)", cents}, probe{"10.5", cents},
			probe{"10.00", cents}, probe{"NaN", cents}, probe{"Inf", cents}, probe{"+5", cents}, probe{"--5", cents}, probe{"0x10", cents},
			probe{"1_000", cents}, probe{"$5", cents}, probe{"５", cents}, probe{"−5", cents}, probe{"five", cents},
			probe{"9007199254740991", ""}, probe{"9007199254740992", big}, probe{"9223372036854775808", big},
			probe{"-9223372036854775809", big}, probe{"", "required"}),
		Case{
			File: "amount_zero_decimals.csv", Dataset: "line_items", Family: familyAmounts,
			Why: "yen have no cents: the amount is in yen, and still a whole number",
		}.probes(lineItemsHeader, "inv_yen,li_%n,,OneTime,%v,,2024-01-01,2024-01-02,1,FALSE,", "Amount in cents",
			probe{"1500", ""}, probe{"1500.00", cents}),
		Case{
			File: "amount_currencies.csv", Dataset: "invoices", Family: familyAmounts,
			Why: "ISO 4217 codes in any case, with 0, 2 or 3 decimals",
		}.probes(invoicesHeader, "scus_base,inv_%n,2024-01-01,,%v", "Currency",
			probe{"USD", ""}, probe{"eur", ""}, probe{"JPY", ""}, probe{"KWD", ""}, probe{" GBP ", ""},
			probe{"EURO", "unknown_currency"}, probe{"€", "unknown_currency"}, probe{"US$", "unknown_currency"},
			probe{"XYZ", "unknown_currency"}, probe{"", "required"}),
	}
}

func dates() []Case {
	const no, far, future = "not_a_date", "out_of_range", "date_in_future"
	return []Case{
		Case{
			File: "date_forms.csv", Dataset: "invoices", Family: familyDates,
			Why: "ISO forms only; without a zone it is UTC",
		}.probes(invoicesHeader, "scus_base,inv_%n,%v,,USD", "Invoiced date",
			probe{"2020-08-13", ""}, probe{"2020-08-13 13:42:37", ""}, probe{"2020-08-13 13:42:37 UTC", ""}, probe{"2020-08-13T13:42:37Z", ""},
			probe{"2020-08-13T13:42:37.123456Z", ""}, probe{"2020-08-13T13:42:37+02:00", ""}, probe{"2020-08-13 13:42:37 -0700", ""}, probe{"2020-08-13T13:42", ""},
			probe{"12/31/2020", no}, probe{"31/12/2020", no}, probe{"31.12.2020", no}, probe{"13 Aug 2020", no}, probe{"20200813", no},
			probe{"2020-W33-4", no}, probe{"2020-226", no}, probe{"2020-8-3", no}, probe{"20-08-13", no}, probe{"44056", no}, probe{"1597325000", no},
			probe{"2020-08-13T25:00:00Z", no}, probe{"2020-08-13T13:42:37 CEST", no}, probe{"yesterday", no}, probe{"", "required"}),
		Case{
			File: "date_calendar.csv", Dataset: "invoices", Family: familyDates,
			Why: "days that exist and days that do not",
		}.probes(invoicesHeader, "scus_base,inv_%n,%v,,USD", "Invoiced date",
			probe{"2024-02-29", ""}, probe{"2000-02-29", ""}, probe{"2023-02-29", no}, probe{"1900-02-29", no}, probe{"2024-02-30", no},
			probe{"2024-04-31", no}, probe{"2024-13-01", no}, probe{"2024-00-10", no}, probe{"2024-01-00", no},
			probe{"2016-12-31T23:59:60Z", no}, probe{"2016-12-31T24:00:00Z", no},
			probe{"0000-00-00", no}, probe{"0001-01-01", far}, probe{"9999-12-31", far}, probe{"12020-01-01", no}, probe{"-001-01-01", no}),
		Case{
			File: "date_future_invoice.csv", Dataset: "invoices", Family: familyDates,
			Why: "an invoice cannot have been written in the future",
		}.probes(invoicesHeader, "scus_base,inv_%n,%v,2199-01-01,USD", "Invoiced date",
			probe{"2024-01-01", ""}, probe{"2199-01-01", future}),
		Case{
			File: "date_future_transaction.csv", Dataset: "transactions", Family: familyDates,
			Why: "a payment cannot have happened in the future",
		}.probes(transactionsHeader, "inv_base,tr_%n,payment,successful,%v", "Date",
			probe{"2024-01-01", ""}, probe{"2199-01-01", future}),
		Case{
			File: "date_future_lead.csv", Dataset: "customers", Family: familyDates,
			Why: "a lead cannot come from the future",
		}.probes("Name,External ID,Lead created at", "Ada,s%n,%v", "Lead created at",
			probe{"2024-01-01", ""}, probe{"", ""}, probe{"2199-01-01", future}, probe{"soon", no}),
		Case{
			File: "date_future_effective.csv", Dataset: "subscription_events", Family: familyDates,
			Why: "what is scheduled takes effect in the future",
		}.probes(eventsHeader, "scus_base,sub_1,evt_%n,subscription_cancellation_scheduled,,2024-01-01,%v,,,,", "Effective Date",
			probe{"2024-02-01", ""}, probe{"2199-01-01", ""}, probe{"", "required"}),
	}
}

// longID returns an id of n characters that begins with first.
func longID(first string, n int) string { return first + strings.Repeat("x", n-1) }

func values() []Case {
	const unknown = "unknown_value"
	return []Case{
		Case{
			File: "formula_cells.csv", Dataset: "customers", Family: familyFormulas,
			Why: "formulas are text on the way in; whatever exports them must disarm them",
		}.probes(customersHeader, "%v,ada%n@example.com,%v,s%n", "Name",
			probe{"=cmd|' /C calc'!A0", ""}, probe{`=HYPERLINK("http://example.com","x")`, ""}, probe{"+1+1", ""}, probe{"-2+3", ""},
			probe{"@SUM(A1:A9)", ""}, probe{"\t=1+1", ""}, probe{"＝1+1", ""}, probe{"'=1+1", ""}),
		Case{
			File: "formula_ids.csv", Dataset: "customers", Family: familyFormulas,
			Why: "an id may look like a formula",
		}.probes("Name,External ID", "Ada,%v", "External ID", probe{"=1+1", ""}, probe{"-7", ""}, probe{"@you", ""}),
		Case{
			File: "size_id.csv", Dataset: "customers", Family: familySizes,
			Why: "an id has at most 255 characters, of whatever script",
		}.probes("Name,External ID", "Ada,%v", "External ID",
			probe{longID("a", 255), ""}, probe{strings.Repeat("漢", 255), ""},
			probe{longID("a", 256), "too_long"}, probe{strings.Repeat("漢", 256), "too_long"}),
		Case{
			File: "size_name.csv", Dataset: "customers", Family: familySizes,
			Why: "a name has at most 255 characters",
		}.probes("Name,External ID", "%v,s%n", "Name", probe{longID("A", 255), ""}, probe{longID("A", 256), "too_long"}),
		Case{
			File: "value_email.csv", Dataset: "customers", Family: familyValues,
			Why: "an address has one @ between two parts and no spaces; none at all is allowed",
		}.probes(customersHeader, "Ada,%v,Loom,s%n", "Email",
			probe{"ada@example.com", ""}, probe{"ADA@EXAMPLE.COM", ""}, probe{"o'ada+tag@example.org", ""}, probe{"", ""},
			probe{"ada", "bad_email"}, probe{"ada@", "bad_email"}, probe{"@example.com", "bad_email"}, probe{"ada@@example.com", "bad_email"},
			probe{"ada @example.com", "bad_email"}, probe{"ada@example.com, bea@example.com", "bad_email"}),
		Case{
			File: "value_country.csv", Dataset: "customers", Family: familyValues,
			Why: "a country is its English name or its code, in any case",
		}.probes("Name,Country,External ID", "Ada,%v,s%n", "Country",
			probe{"DE", ""}, probe{"germany", ""}, probe{"UNITED STATES", ""}, probe{"", ""},
			probe{"Atlantis", "unknown_country"}, probe{"ZZ", "unknown_country"}, probe{"49", "unknown_country"}),
		Case{
			File: "value_plan_interval.csv", Dataset: "plans", Family: familyValues,
			Why: "an interval is a whole number above 0",
		}.probes("Name,Interval count,Interval unit,Plan ID", "Plan,%v,month,plan_%n", "Interval count",
			probe{"1", ""}, probe{"6", ""}, probe{"0", "out_of_range"}, probe{"-1", "out_of_range"}, probe{"1.5", "not_an_integer"},
			probe{"monthly", "not_an_integer"}, probe{"", "required"}),
		Case{
			File: "value_plan_unit.csv", Dataset: "plans", Family: familyValues,
			Why: "an interval is of days, months or years",
		}.probes("Name,Interval count,Interval unit,Plan ID", "Plan,1,%v,plan_%n", "Interval unit",
			probe{"day", ""}, probe{"Month", ""}, probe{"YEAR", ""}, probe{"week", unknown}, probe{"fortnight", unknown}, probe{"", "required"}),
		Case{
			File: "value_line_type.csv", Dataset: "line_items", Family: familyValues,
			Why: "one-time lines in every spelling; nothing but subscription and one-time",
		}.probes(lineItemsHeader, "inv_base,li_%n,,%v,500,,2024-01-01,2024-01-02,1,FALSE,", "Type",
			probe{"one_time", ""}, probe{"OneTime", ""}, probe{"one time", ""}, probe{"ONE-TIME", ""},
			probe{"trial", unknown}, probe{"usage_based", unknown}, probe{"", "required"}),
		Case{
			File: "value_quantity.csv", Dataset: "line_items", Family: familyValues,
			Why: "a quantity is a whole number other than 0; blank means 1",
		}.probes(lineItemsHeader, "inv_base,li_%n,sub_1,Subscription,-500,plan_gold,2024-01-01,2024-02-01,%v,TRUE,", "Quantity",
			probe{"1", ""}, probe{"-3", ""}, probe{"", ""}, probe{"0", "zero_quantity"}, probe{"1.5", "not_an_integer"}, probe{"many", "not_an_integer"},
			probe{"9223372036854775808", "out_of_range"}),
		Case{
			File: "value_boolean.csv", Dataset: "line_items", Family: familyValues,
			Why: "truth as spreadsheets write it",
		}.probes(lineItemsHeader, "inv_base,li_%n,,OneTime,500,,2024-01-01,2024-01-02,1,%v,", "Proration",
			probe{"TRUE", ""}, probe{"false", ""}, probe{"1", ""}, probe{"", ""}, probe{"maybe", "not_a_boolean"}, probe{"2", "not_a_boolean"}),
		Case{
			File: "value_service_period.csv", Dataset: "line_items", Family: familyValues,
			Why: "a service period does not end before it starts; a subscription line needs one",
		}.probes(lineItemsHeader, "inv_base,li_%n,sub_1,subscription,500,plan_gold,2024-02-01,%v,1,FALSE,", "Service period end",
			probe{"2024-03-01", ""}, probe{"2024-01-01", "out_of_range"}, probe{"", "required"}),
		Case{
			File: "value_event_type.csv", Dataset: "subscription_events", Family: familyValues,
			Why: "event types in any case; a withdrawal need not name what it withdraws",
		}.probes(eventsHeader, "scus_base,sub_1,evt_%n,%v,,2024-01-01,2024-01-01,,,,", "Event Type",
			probe{"subscription_cancelled", ""}, probe{"Subscription_Event_Retracted", ""},
			probe{"subscription_paused", "unknown_event_type"}, probe{"", "required"}),
		Case{
			File: "value_transaction.csv", Dataset: "transactions", Family: familyValues,
			Why: "a transaction succeeds or fails",
		}.probes(transactionsHeader, "inv_base,tr_%n,payment,%v,2024-01-01", "Result",
			probe{"successful", ""}, probe{"Failed", ""}, probe{"pending", unknown}, probe{"", "required"}),
	}
}

func references() []Case {
	return []Case{
		Case{
			File: "reference_line_item_invoice.csv", Dataset: "line_items", Family: familyReferences,
			Why: "a line item of an invoice that does not exist",
		}.probes(lineItemsHeader, "%v,li_%n,,OneTime,500,,2024-01-01,2024-01-02,1,FALSE,", "Invoice external ID",
			probe{"inv_base", ""}, probe{"inv_gone", "unknown_invoice"}, probe{"INV_BASE", "unknown_invoice"}, probe{"", "required"}),
		Case{
			File: "reference_line_item_plan.csv", Dataset: "line_items", Family: familyReferences,
			Why: "a plan that does not exist; a subscription line needs one",
		}.probes(lineItemsHeader, "inv_base,li_%n,sub_1,Subscription,500,%v,2024-01-01,2024-02-01,1,FALSE,", "Plan",
			probe{"plan_gold", ""}, probe{"plan_gone", "unknown_plan"}, probe{"Gold Monthly", "unknown_plan"}, probe{"", "required"}),
		Case{
			File: "reference_invoice_customer.csv", Dataset: "invoices", Family: familyReferences,
			Why: "an invoice of a customer that does not exist",
		}.probes(invoicesHeader, "%v,inv_%n,2024-01-01,,USD", "Customer external ID",
			probe{"scus_base", ""}, probe{"scus_gone", "unknown_customer"}, probe{"", "required"}),
		Case{
			File: "reference_contact_customer.csv", Dataset: "contacts", Family: familyReferences,
			Why: "a contact of a customer that does not exist",
		}.probes("Customer External ID,First name,Email", "%v,Ada,ada%n@example.com", "Customer External ID",
			probe{"scus_base", ""}, probe{"scus_gone", "unknown_customer"}, probe{"", "required"}),
		Case{
			File: "reference_transaction_invoice.csv", Dataset: "transactions", Family: familyReferences,
			Why: "a payment of an invoice that does not exist",
		}.probes(transactionsHeader, "%v,tr_%n,payment,successful,2024-01-02", "Invoice external ID",
			probe{"inv_base", ""}, probe{"inv_gone", "unknown_invoice"}, probe{"", "required"}),
		Case{
			File: "reference_event_customer.csv", Dataset: "subscription_events", Family: familyReferences,
			Why: "an event of a customer that does not exist; its subscription need not",
		}.probes(eventsHeader, "%v,sub_new,evt_%n,subscription_cancelled,,2024-01-01,2024-01-01,,,,", "Customer external ID",
			probe{"scus_base", ""}, probe{"scus_gone", "unknown_customer"}, probe{"", "required"}),
		Case{
			File: "reference_event_plan.csv", Dataset: "subscription_events", Family: familyReferences,
			Why: "an event that starts a subscription to a plan that does not exist",
		}.probes(eventsHeader, "scus_base,sub_new,evt_%n,subscription_start,,2024-01-01,2024-01-01,%v,USD,9900,1", "Plan external ID",
			probe{"plan_gold", ""}, probe{"plan_gone", "unknown_plan"}, probe{"", "required"}),
		Case{
			File: "reference_cancellation_customer.csv", Dataset: "cancellations", Family: familyReferences,
			Why: "a cancellation of a customer that does not exist",
		}.probes("Subscription external ID,Customer external ID,Date", "sub_%n,%v,2024-01-01", "Customer external ID",
			probe{"scus_base", ""}, probe{"scus_gone", "unknown_customer"}, probe{"", "required"}),
	}
}
