package billing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

// questions are headers as people have them, with the dataset or the code of the refusal.
func questions() map[string]string {
	const which, missing, unknown = billing.CodeWhichDataset, billing.CodeMissingColumn, billing.CodeUnknownHeader
	return map[string]string{
		// Customers, with columns of the person's own.
		"External ID,Company,Country":                              "customers",
		"External ID,Name,Email,Segment,Notes":                     "customers",
		"External ID,Name,Favourite colour,Owner's cat":            "customers",
		"External ID,Name,Email,Phone,Website,Source":              "customers",
		"External ID,Name,Email,Created at,Updated at":             "customers",
		"external_id,company":                                      "customers",
		"EXTERNAL-ID,E-mail,lead_created_at":                       "customers",
		"External\u00a0ID,Company":                                 "customers",
		"External ID *,Name *":                                     "customers",
		"External\n ID,Lead  created\r\nat":                        "customers",
		"\u200bExternal ID\ufeff,\"Name\"":                         "customers",
		"ExternalID,leadCreatedAt":                                 "customers",
		"External ID,Segment":                                      "customers",
		"External ID,Segment,Notes":                                which,
		"External ID,Product,Status,Started":                       which,
		"External ID,Customer,Plan,Started":                        which,
		"External ID,Name,Plan":                                    which,
		"External ID,Name,Account type":                            which,
		"External ID,Email,Total":                                  which,
		"External ID,Email,amount_paid":                            which,
		"External ID,Name,Price,Currency":                          which,
		"External ID,Name,Date":                                    which,
		"External ID,Name,Product SKU":                             which,
		"External ID,Subscription external ID":                     which,
		"External ID,Invoice external ID,Company":                  which,
		"External ID,Name,MRR":                                     which,
		"External ID,Customer ID,Name,Email":                       which,
		"External ID,Customer,Reason":                              which,
		"Customer external ID,External ID,Start date,End date":     which,
		"External ID,Name,Seats":                                   which,
		"External ID,Name,Interval":                                which,
		"Name,Email,Company":                                       missing,
		"Customer ID,Name,Email":                                   missing,
		"ID,Name,Company,City":                                     missing,
		"id,created":                                               unknown,
		"Externel ID":                                              unknown,
		"x1,Acme,GB":                                               unknown,
		"Foo,Bar":                                                  unknown,
		"":                                                         unknown,
		"ann@example.com,Ann,Bern":                                 unknown,
		"Customer export":                                          unknown,
		"<html><body><table><tr><td>External ID</td></tr></table>": unknown,
		"Name,Interval count,Interval unit,Region":                 "plans",
		"Name,Interval count,Interval unit,External ID":            which, // the plan's?

		// Contacts stand between customers and what belongs to customers.
		"Customer External ID,External ID,First name,Last name,Email":         "contacts",
		"Customer External ID,First name,Email,Company":                       "contacts",
		"Customer External ID,External ID,First name,Last name,Email,Company": "contacts",
		"customer_external_id,first_name,last_name,linked_in":                 "contacts",
		"Customer External ID,External ID,Name,Email":                         which, // customers with a reference?
		"Customer External ID,External ID,Date,Note":                          which,
		"Customer External ID,Email,Contact type":                             which,
		"Customer external ID,Date":                                           missing,
		"Customer external ID,Plan":                                           which,
		"Customer external ID,Amount,Paid at":                                 which,

		// Plans.
		"Name,Interval count,Interval unit,Plan ID,Features":   "plans",
		"name,interval_count,interval_unit,plan_id":            "plans",
		"Name,Interval count,Interval unit,Price,Currency":     which,
		"Plan,Interval count,Interval unit":                    missing,
		"Plan ID,Name,Interval":                                missing,
		"Name,Plan ID,Price":                                   missing,
		"Interval count,Interval unit,Name,Plan ID,Plan group": which,

		// Cancellations and events.
		"Subscription external ID,Customer external ID,Date,Reason":                            which,
		"Subscription external ID,Customer external ID,Date,Event order":                       "cancellations",
		"subscription_external_id,customer_external_id,date":                                   "cancellations",
		"Customer external ID,Subscription external ID,Event,Date":                             which,
		"Customer external ID,Subscription external ID,Date,Status":                            which,
		"Customer external ID,Subscription external ID,Date,Plan":                              which,
		"Customer external ID,Subscription external ID,Date,Amount":                            which,
		"Customer external ID,Subscription external ID,Date,Event Type":                        missing,
		"Customer external ID,Subscription external ID,Date,External ID":                       which,
		"Customer external ID,Subscription external ID,Start date":                             missing,
		"Customer external ID,Subscription external ID,Event Type,Date,Comment":                missing,
		"Customer external ID,Subscription external ID,Event Type,Date,Effective Date,Comment": "subscription_events",
		"Customer external ID,Subscription external ID,Event Type,Date,Effective Date,Amount":  which,
		"Customer external ID,Subscription external ID,Event Type,Date,Effective Date,Price":   which,

		// Invoices, their lines and payments.
		"Customer external ID,Invoice external ID,Invoiced date,Currency,Customer name":                  "invoices",
		"Customer external ID,Invoice external ID,Invoiced date,Currency,Memo":                           "invoices",
		"Customer external ID,Invoice external ID,Invoiced date,Currency,Total":                          which,
		"Customer external ID,Invoice external ID,Invoiced date,Currency,Amount paid":                    which,
		"Customer external ID,Invoice external ID,Invoiced date,Currency,Type,Amount in cents":           which,
		"Customer external ID,Invoice external ID,Invoice date,Currency":                                 missing,
		"Customer external ID,Invoice external ID,Date,Currency":                                         missing,
		"Customer external ID,Invoice external ID":                                                       which,
		"Invoice external ID,External ID,Type,Result,Date,Amount":                                        which,
		"Invoice external ID,External ID,Type,Result,Date,Amount in cents,Comment":                       "transactions",
		"Invoice external ID,Type,Result,Date,Payment method":                                            which,
		"Invoice external ID,Type,Result,Date,Fee":                                                       which, // the transaction fee
		"Invoice external ID,External ID,Type,Date":                                                      missing,
		"Invoice external ID,External ID,Type,Amount":                                                    missing,
		"Invoice external ID,Type,Amount in cents,Description,Memo":                                      "line_items",
		"Invoice external ID,Type,Amount in cents,Product":                                               which,
		"Invoice external ID,Type,Amount in cents,Plan,Subscription external ID,Quantity,Tax":            which,
		"Invoice external ID,Type,Amount in cents,Customer external ID,Date,Result,Invoiced date,Status": which,
		"Invoice external ID,External ID":                                                                which,
	}
}

// TestColumnsThatCarryAMeaning asks about any column that is not read if rows get their meaning from
// what is not there, and of customers about those whose names have such a word in a usual language.
func TestColumnsThatCarryAMeaning(t *testing.T) {
	t.Parallel()
	for table, names := range map[string]string{
		"Customer external ID,Subscription external ID,Date,": "Action,Operation,Change,Upgrade,Movement,Reactivated,Resumed at,is_active,Active,Cancel?,Phase,Stage,Activity,Category,Effective,Ereignis,Zustand,Note,€,Ω",
		"Invoice external ID,Type,Result,Date,":               "Net,Gross,EUR,Credit,Settled,Betrag,Montant,Importe,Summe,Memo",
		"External ID,Name,": "Typ,Betrag,Preis,Frequency,Rechnung,RECHNUNGSNR,Kündigungsdatum,K\u0075\u0308ndigung,Gebuehr,Statut,Événement,Montant TTC,Prix,Résilié,Tipo,Importe,Suscripción,Precio," +
			"Importo,Fattura,Bedrag,Abonnement,Preço,Assinatura,is_active,Has trial,VIP?,eur,USD,Price (€),$,Datum,Fecha,PAYMENTDATE,subscriptionid,Amounts,Status-Code",
	} {
		for name := range strings.SplitSeq(names, ",") {
			if ds, err := billing.Recognise(strings.Split(table+name, ",")); fault.CodeOf(err) != billing.CodeWhichDataset {
				t.Errorf("%s%s is %s, %v", table, name, ds, err)
			}
		}
	}
	for name := range strings.SplitSeq("Segment,Notes,Phone,Website,Owner,Industry,VAT ID,Language,Account manager,Created by,Tags,Vorname,Straße,Ort,Land,Telefon,Anrede,Prénom,Ville,Pays,Apellido,País,Is,Issue,Stage", ",") {
		if ds, err := billing.Recognise([]string{"External ID", "Name", name}); ds != billing.Customers {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAmountsUnderAnotherName refuses payments that would be of their whole invoice because the column
// of amounts is not read.
func TestAmountsUnderAnotherName(t *testing.T) {
	t.Parallel()
	for header, refused := range map[string]bool{
		"Invoice external ID,Type,Result,Date,Amount":                    true,
		"Invoice external ID,Type,Result,Date,Memo,Betrag":               true,
		"Invoice external ID,Type,Result,Date,Net amount":                true,
		"Invoice external ID,Type,Result,Date,Amount in cent":            true,
		"Invoice external ID,Type,Result,Date,EUR":                       true,
		"Invoice external ID,Type,Result,Date,Total (€)":                 true,
		"Invoice external ID,Type,Result,Date":                           false,
		"Invoice external ID,Type,Result,Date,Memo,Fee,Tax amount":       false,
		"Invoice external ID,Type,Result,Date,Discount amount,Method":    false,
		"Invoice external ID,Type,Result,Date,Amount in cents,Net total": false,
	} {
		h, err := billing.NewHeader(strings.Split(header, ","), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.CheckAmounts(billing.Transactions); refused != (fault.CodeOf(err) == billing.CodeMissingColumn) {
			t.Errorf("%s: %v", header, err)
		}
		if err := h.CheckAmounts(billing.LineItems); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestWhichDataset(t *testing.T) {
	t.Parallel()
	for text, want := range questions() {
		header := strings.Split(text, ",")
		for range 2 {
			got, err := billing.Recognise(header)
			if found := string(got) + fault.CodeOf(err); found != want {
				t.Errorf("%q is %s, want %s (%v)", header, found, want, err)
			}
			slices.Reverse(header)
		}
	}
}

// TestRefusedHeadersSayWhatToDo holds the messages to what people need to go on.
func TestRefusedHeadersSayWhatToDo(t *testing.T) {
	t.Parallel()
	for text, says := range map[string][]string{
		"Customer external ID,Subscription external ID,Event,Date": {
			`"Customer external ID", "Subscription external ID", "Event", "Date"`, `cancellations, which have no column "Event"`,
			`subscription events, which need "Event Type" (perhaps "Event"), "Effective Date"`, "--dataset", `--map "Event=Event Type"`, `"cancellations.csv"`,
		},
		"Invoice external ID,External ID,Type,Result,Date,Amount": {
			`transactions, which have no column "Amount" (perhaps "Amount in cents"), so that each row would be of its whole invoice`, "line items",
			`--map "Amount=Amount in cents", and --amounts units for amounts like 12.50, or by the name of the file: "line_items.csv"`,
		},
		"Invoice external ID,Type,Result,Date,Amount in cent":      {`--map "Amount in cent=Amount in cents", or by`},
		"Customer external ID,Subscription external ID,Date,Stage": {"so that each row would cancel a subscription", "--dataset, with --map, or"},
		"External ID,Product,Status,Started":                       {`customers, which have no column "Product", "Status", "Started"`},
		"Customer ID,Name,Email":                                   {`"External ID" is missing`, `If "Customer ID" is "External ID"`, `--map "Customer ID=External ID"`},
		"Customer external ID,Invoice date,Currency":               {`--map "Invoice date=Invoiced date"`},

		"Externel ID":                                   {`"Externel ID" may be "External ID"`},
		"x1,Acme,GB":                                    {`"x1", "Acme", "GB"`, "looks like data"},
		"2026-01-31,Acme,City,Country":                  {"looks like data"},
		"ann@example.com,Acme,City,Country":             {"looks like data", "the value"},
		strings.Repeat("Foo,", 40) + "Bar":              {`"Foo", …`},
		strings.Repeat("Much too long a name ", 9):      {`"Much too long a name Much too long a na…"`},
		"External ID," + strings.Repeat("Status x,", 9): {`have no column "Status x", "Status x", "Status x", "Status x", …`},
	} {
		_, err := billing.Recognise(strings.Split(text, ","))
		for _, part := range says {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v\ndoes not say: %s", text, err, part)
			}
		}
		if err != nil && strings.Contains(err.Error(), "@") {
			t.Errorf("%v shows an e-mail address", err)
		}
	}
}

func TestColumnsThatAreProbablyMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Invoice external ID,Type,Result,Date,Amount":           {`the column "Amount" is not read; if it is "Amount in cents", import with --map "Amount=Amount in cents", and --amounts units for amounts like 12.50`},
		"Invoice external ID,Type,Result,Date,Amount in cents":  nil,
		"Invoice external ID,Type,Result,Date,Amount (cents)":   {`the column "Amount (cents)" is not read; if it is "Amount in cents", import with --map "Amount (cents)=Amount in cents"`},
		"Invoice external ID,Type,Result,Date,Segment,Reviewer": nil,
	} {
		h, err := billing.NewHeader(strings.Split(text, ","), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, h.NotRead(billing.Transactions)); diff != "" {
			t.Error(text, diff)
		}
	}
}

func TestMappings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header  string
		mapping []string
		says    string // of the refusal
	}{
		"a column":            {"Kundennummer,Firma", []string{"Kundennummer=External ID", "firma = company"}, ""},
		"a constant":          {"External ID", []string{"=Acme=Company"}, ""},
		"like header cells":   {"kunden_nummer *,Company", []string{"Kunden Nummer=external_id"}, ""},
		"an equals sign":      {"a=b,Company", []string{"a=b=External ID"}, ""},
		"one name for other":  {"Company,Name", []string{"Company=External ID", "Name=Company"}, ""},
		"no equals sign":      {"External ID", []string{"Company"}, "column of the file=known column"},
		"nothing to map":      {"External ID", []string{"=Company"}, "column of the file=known column"},
		"no target":           {"External ID,Firma", []string{"Firma="}, "no dataset has"},
		"unknown target":      {"External ID,Firma", []string{"Firma=Firm"}, `no dataset has the column "Firm"`},
		"other dataset's":     {"External ID,Firma", []string{"Firma=Interval unit"}, `customers have no column "Interval unit"`},
		"unknown column":      {"External ID", []string{"Firma=Company"}, `no column "Firma"; its header row is read as "External ID"`},
		"there already":       {"External ID,Company,Firma", []string{"Firma=Company"}, "already"},
		"constant and column": {"External ID,Company", []string{"=Acme=Company"}, "already"},
		"two meanings":        {"Kunde,Firma", []string{"Kunde=External ID", "Kunde=Customer external ID", "Firma=Company"}, `another line says that "Kunde" is something else`},
		"twice":               {"External ID,Firma", []string{"Firma=Company", "=Acme=Company"}, "already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, err := mapped(strings.Split(tt.header, ","), tt.mapping)
			if tt.says != "" {
				wantFault(t, name, err, billing.CodeBadMap, "map")
				if err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v does not say %s", err, tt.says)
				}
				return
			}
			if diff := cmp.Diff(billing.Record(&billing.Customer{ExternalID: "x1", Company: "Acme"}), rec); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

// mapped reads a second row, so that what a row leaves behind would be seen.
func mapped(header, mapping []string) (billing.Record, error) {
	h, err := billing.NewHeader(header, mapping)
	if err != nil {
		return nil, err
	}
	l, err := h.Layout(billing.Customers, billing.Values{})
	if err != nil {
		return nil, err
	}
	l.Record([]string{"x0", "Other"}, now())
	rec, _ := l.Record([]string{"x1", "Acme"}, now())
	return rec, nil
}

func TestTwoColumnsOfOneKnownName(t *testing.T) {
	t.Parallel()
	_, err := billing.NewLayout(billing.Customers, []string{"External ID", "x-1", "external_id", "x1"}, billing.Values{})
	wantFault(t, "twice", err, billing.CodeDuplicateHeader, "external_id")
	if err == nil || !strings.Contains(err.Error(), `"External ID" and "external_id"`) {
		t.Errorf("%v does not name both columns", err)
	}
	if _, err := billing.NewLayout(billing.Customers, []string{"External ID", "x-1", "x1"}, billing.Values{}); err != nil {
		t.Errorf("two unknown columns are refused: %v", err)
	}
}

func TestFilesNamedLikeTheirDataset(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]billing.Dataset{
		"customers.csv": billing.Customers, "Subscription events.csv": billing.Events, "LINE-ITEMS.CSV.gz": billing.LineItems,
		"export/line_items.tsv": billing.LineItems, `export\Plans.txt`: billing.Plans, "invoices": billing.Invoices,
		"customers 2026.csv": "", "old customers.csv": "", "customer.csv": "", "": "", ".csv": "", "customers.csv.bak": "",
	} {
		if got := billing.Named(name); got != want {
			t.Errorf("%q is named like %q, want %q", name, got, want)
		}
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	digest := func(names ...string) string {
		h, err := billing.NewHeader(names, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h.Digest()
	}
	if digest("External ID", "Status") != digest("status *", "external_id", "") {
		t.Error("the digest depends on the order or the spelling of columns")
	}
	if digest("External ID", "Status") == digest("External ID") {
		t.Error("the digest does not depend on all columns")
	}
}

// FuzzRecognise feeds any header to the recognition: it must not panic, say the same again whatever
// the order of columns, and keep its messages short.
func FuzzRecognise(f *testing.F) {
	for text := range questions() {
		f.Add(text, "Firma=Company")
	}
	f.Add("External ID,\xff,\x00,ann@example.com", "=x=External ID")
	f.Fuzz(func(t *testing.T, text, line string) {
		names := strings.Split(text, ",")
		h, err := billing.NewHeader(names, []string{line})
		if err != nil {
			if fault.CodeOf(err) != billing.CodeBadMap {
				t.Fatal(err)
			}
			if h, err = billing.NewHeader(names, nil); err != nil {
				t.Fatal(err)
			}
		}
		ds, err := h.Recognise()
		if again, same := h.Recognise(); again != ds || fault.CodeOf(same) != fault.CodeOf(err) {
			t.Fatalf("%q, %v, then %q, %v", ds, err, again, same)
		}
		const longest = 4 << 10
		if err != nil {
			if ds != "" || len(err.Error()) > longest || strings.Contains(err.Error(), "@") && !strings.Contains(line, "@") {
				t.Fatalf("%q: %.5000v", ds, err)
			}
			return
		}
		if _, fits := h.Fit(ds); !fits {
			t.Fatalf("%q does not fit", ds)
		}
	})
}
