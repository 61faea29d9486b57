package puller_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/braintreetest"
	"reseed/internal/chargifytest"
	"reseed/internal/paypaltest"
	"reseed/internal/recurlytest"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/braintree"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/paypal"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/system"
)

// world is the stand-in for a billing system.
type world interface {
	http.RoundTripper
	Now() time.Time
	Advance(d time.Duration)
	Story()
	Fill(n int, span time.Duration) []string
	IDs(kind string) []string
	Judged() []error
}

// vendor is a billing system in the test below: what its stand-in calls things, and what can happen there.
type vendor struct {
	world    world
	system   system.System
	secrets  map[string]string
	pages    int    // so many customers take more than one page
	customer string // kind of the objects that are customers
	invoice  string // kind of the objects that are invoices
	late     time.Duration

	named  func(id string) string       // the external id of an object; nil: the same
	rename func(customer, first string) // gives a customer another first name
	void   func(invoice string)         // makes an invoice worthless
	lone   func() string                // makes a customer who never buys anything; nil: customers stay for ever
	remove func(customer string)
	shown  []string // what a re-sync shows after both
}

// vendors are the systems beside Stripe, which has a story of its own. Judges are started outside of virtual time.
func vendors(t *testing.T) map[string]func() vendor {
	t.Helper()
	b, c, p, r := braintreetest.StartJudge(t), chargifytest.StartJudge(t), paypaltest.StartJudge(t), recurlytest.TheJudge(t)
	begin := today.AddDate(-1, 0, 0)
	return map[string]func() vendor{
		"Braintree": func() vendor {
			w := braintreetest.New(begin, b)
			return vendor{
				world: w, system: braintree.System{}, pages: 51, customer: braintreetest.Customers, invoice: braintreetest.Transactions,
				secrets: map[string]string{"merchant_id": braintreetest.Merchant, "public_key": braintreetest.PublicKey, "private_key": braintreetest.PrivateKey},
				rename:  func(id, first string) { w.Change(id, braintreetest.Fields{"first_name": first}) },
				void:    func(id string) { w.Change(id, braintreetest.Fields{"status": "voided"}) },
				lone:    func() string { return w.Customer(braintreetest.Fields{"first_name": "Lone"}) }, remove: w.Delete,
				shown: []string{"changed invoices INVOICE: paid → voided", "removed customers LEAVER", "removed transactions"},
			}
		},
		"Chargify": func() vendor {
			w := chargifytest.New(begin, c)
			return vendor{
				world: w, system: chargify.System{}, pages: 201, customer: chargifytest.Customers, invoice: chargifytest.Invoices,
				secrets: map[string]string{"subdomain": chargifytest.Subdomain, "key": chargifytest.Key},
				rename:  func(id, first string) { w.Change(id, chargifytest.Fields{"first_name": first}) },
				void:    func(id string) { w.Change(id, chargifytest.Fields{"status": "voided"}) },
				lone:    func() string { return w.Customer(chargifytest.Fields{"first_name": "Lone"}) }, remove: w.Delete,
				shown: []string{"changed invoices INVOICE: paid → voided", "removed customers LEAVER", "removed invoices", "removed line_items"}, // a credit note that was used for the voided invoice goes, with its line
			}
		},
		"PayPal": func() vendor {
			w := paypaltest.New(today.AddDate(0, -6, 0), p)
			return vendor{
				world: w, system: paypal.System{}, pages: 21, customer: paypaltest.Payers, invoice: paypaltest.Payments, late: 5 * time.Hour,
				secrets: map[string]string{"client_id": paypaltest.ClientID, "secret": paypaltest.Secret},
				rename: func(id, first string) {
					w.Change(id, paypaltest.Fields{"name": paypaltest.Fields{"given_name": first, "surname": "Lee"}})
				},
				void:  func(id string) { w.Back(id, "T1107", "EUR", "10.00") },
				shown: []string{"added transactions", "changed invoices INVOICE: paid → refunded"},
			}
		},
		"Recurly": func() vendor {
			w := recurlytest.New(begin, r)
			return vendor{
				world: w, system: recurly.System{}, pages: 201, customer: recurlytest.Accounts, invoice: recurlytest.Invoices,
				secrets: map[string]string{"key": recurlytest.Key},
				named:   func(id string) string { code, _ := w.Field(id, "code").(string); return cmp.Or(code, id) },
				rename:  func(id, first string) { w.Change(id, recurlytest.Fields{"first_name": first}) },
				void:    func(id string) { w.Change(id, recurlytest.Fields{"state": "voided"}) },
				shown:   []string{"changed invoices INVOICE: paid → voided"},
			}
		},
	}
}

// The story of Stripe, with each of the others: an account is connected, looked at and imported. People tag a customer and correct
// an invoice. In the system an invoice is voided, and a customer is deleted where that can be. The next pull shows exactly that, and
// what people did stays. Then one customer is pulled alone.
func TestStoryOfTheOthers(t *testing.T) {
	t.Parallel()
	for name, start := range vendors(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(today))
				b, v := newBed(t, customersTab()), start()
				v.world.Story()
				v.world.Fill(v.pages, time.Minute)
				storyOf(b, v)
				b.untouched()
				for _, wrong := range v.world.Judged() {
					t.Error(wrong)
				}
			})
		})
	}
}

func storyOf(b *bed, v vendor) {
	t := b.t
	t.Helper()
	pull := func(r puller.Request, applied bool) *job.Job {
		t.Helper()
		j := b.pull(r)
		if applied {
			same(t, "the plan", job.Planned, j.Status)
			_, err := b.Importer.Apply(t.Context(), j.ID)
			must(t, err)
			b.work()
			j = b.job(j.ID)
		}
		same(t, "status", job.Done, j.Status)
		if j.Rejects > 0 {
			t.Errorf("rejects: %+v", j.Reasons)
		}
		return j
	}
	later := func() { // what the system tells late is told
		v.world.Advance(time.Since(v.world.Now()))
		time.Sleep(v.late)
	}
	many := v.pages + 2 // two are in the story
	customers, invoices := v.world.IDs(v.customer), v.world.IDs(v.invoice)
	leaver := ""
	if v.lone != nil {
		leaver = v.lone()
		many++
	}
	v.world.Advance(today.Sub(v.world.Now()))
	b.connect(over{v.system, v.world}, v.secrets)
	later()
	same(t, "what it would add", int64(many), b.pull(puller.Request{Plan: true}).Datasets["customers"].Added)
	same(t, "customers of a plan", 0, len(b.names(b.src)))
	pull(puller.Request{Plan: true}, true)
	same(t, "customers", many, len(b.names(b.src)))

	last, tagged, other := len(invoices)-1, v.id(customers[len(customers)-1]), v.id(customers[1])
	b.tag(tagged, "vip")
	b.correct(v.id(invoices[last-1]), "USD")
	v.void(invoices[last-3])
	if v.remove != nil {
		v.remove(leaver)
		many--
	}
	later()
	ids := strings.NewReplacer("invoices "+v.id(invoices[last-3]), "invoices INVOICE", cmp.Or(leaver, "nobody"), "LEAVER")
	same(t, "what it would change", v.shown, shown(ids, b.changesOf(b.pull(puller.Request{Plan: true}))))
	pull(puller.Request{Plan: true}, true)
	same(t, "customers after the re-sync", many, len(b.names(b.src)))
	same(t, "the tag", []string{"vip"}, b.tagsOf(tagged))
	same(t, "the correction", "USD", b.currencyOf(v.id(invoices[last-1])))
	same(t, "writes of rows when nothing has changed", int64(0), pull(puller.Request{}, false).Cost.WriteMilli)

	v.rename(customers[len(customers)-1], "Anna")
	v.rename(customers[1], "Not asked for")
	pull(puller.Request{Customer: tagged}, false)
	names := b.names(b.src)
	same(t, "customers after a pull of one", many, len(names))
	same(t, "the customer", true, strings.HasPrefix(names[tagged], "Anna"))
	same(t, "another customer", true, !strings.HasPrefix(names[other], "Not asked for") && names[other] != "")
	same(t, "the tag after it", []string{"vip"}, b.tagsOf(tagged))
}

// id is the external id of an object.
func (v vendor) id(object string) string {
	if v.named == nil {
		return object
	}
	return v.named(object)
}

// shown names the voided invoice and the customer that is gone, and leaves out all other ids.
func shown(ids *strings.Replacer, changes []string) (out []string) {
	for _, c := range changes {
		c = ids.Replace(c)
		if f := strings.Fields(c); !strings.Contains(c, "INVOICE") && !strings.Contains(c, "LEAVER") {
			c = f[0] + " " + f[1]
		}
		out = append(out, c)
	}
	return out
}
