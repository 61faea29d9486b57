package console_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/internal/stripetest"
	"reseed/internal/systemtest"
	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
	"reseed/pkg/source/systems"
)

// withStripe is a bed beside an account of Stripe.
func withStripe(t *testing.T) (*consoletest.Bed, *stripetest.World) {
	t.Helper()
	world, err := stripetest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b := consoletest.New(t)
	b.Addresses["Stripe"] = systemtest.Serve(t, world)
	return b, world
}

const newStripe = "/sources/new/systems/Stripe"

// withoutKey checks that a page does not have the key.
func withoutKey(t *testing.T, p consoletest.Page) {
	t.Helper()
	if strings.Contains(p.Text, "rk_test") {
		t.Errorf("%s holds the key:\n%s", p.Path, p.Text)
	}
}

func TestABillingSystemIsConnected(t *testing.T) {
	t.Parallel()
	b, world := withStripe(t)
	w := b.SignIn()
	shows(t, w.Get("/sources/new"), 200, "Add a data source", `href="`+newStripe+`"`, "Files", "Google Sheets", "Import API")
	p := w.Get(newStripe)
	shows(t, p, 200, "Add a data source: Stripe", `name="credential_key" type="password"`, "Restricted key", "Make a restricted key", "You see what would be imported before anything is", ">Next</button>")
	if !regexp.MustCompile(`name="credential_key"[^>]*value=""[^>]*autocomplete="off"`).MatchString(p.Text) {
		t.Error("the browser may fill in a key")
	}
	form := func(name, key string) url.Values { return url.Values{"name": {name}, "credential_key": {key}} }
	for _, tt := range []struct{ name, key, says string }{
		{"", stripetest.Key, "Give the data source a name"},
		{"Stripe EU", "", "Stripe needs it."},
		{"Stripe EU", "rk_test_other", "it refuses the key"},
		{"Stripe EU", "a key", "This is not a key"},
	} {
		p := w.Post(newStripe, form(tt.name, tt.key))
		shows(t, p, 422, tt.says, "has to be typed again", `value="`+tt.name+`"`)
		withoutKey(t, p)
	}
	world.Deny("/v1/disputes", "rak_dispute_read")
	shows(t, w.Post(newStripe, form("Stripe EU", stripetest.Key)), 422, "give it read permission for: disputes (rak_dispute_read)")
	if list, err := b.API.Sources(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	b.Addresses["Stripe"] = systemtest.Serve(t, fresh(t))
	p = w.Post(newStripe, form("Stripe EU", stripetest.Key))
	shows(t, p, 200, "those of the Stripe account <bdi>World Ltd. (acct_1World)</bdi>, test mode", "Nothing is imported by that", "Re-sync Data", "Reprocess", "Invoices count", "Re-sync every")
	withoutKey(t, p)
	hides(t, p, "preadsheet is", "Share the spreadsheet")
	shows(t, w.Post(newStripe, form("Stripe EU", stripetest.Key)), 422, "There is a data source of that name already")
	id := sourceOf(p)
	kept, err := b.Vault.Get(t.Context(), id)
	if err != nil || kept["key"] != stripetest.Key {
		t.Errorf("%v, %v", kept, err)
	}
	shows(t, w.Get("/sources"), 200, "Stripe EU", "when you ask for it", `action="/sources/`+id+`/sync"`)
	shows(t, w.Get("/sources/new/systems/Abacus"), 404, "There is no such page")
	shows(t, w.Post("/sources/new/systems/Abacus", nil), 404, "There is no such page")
	p = w.Post("/sources/"+id+"/sync", nil)
	if !strings.HasPrefix(p.Path, "/jobs/") {
		t.Errorf("Re-sync Data leads to %s", p.Path)
	}
}

func fresh(t *testing.T) *stripetest.World {
	t.Helper()
	world, err := stripetest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// sourceOf is the data source whose page it is.
func sourceOf(p consoletest.Page) string { return strings.Split(p.Path, "/")[2] }

// connected makes a data source that pulls from the account.
func connected(t *testing.T, b *consoletest.Bed) string {
	t.Helper()
	s := added(t, b, "Stripe EU")
	if _, err := b.API.Connect(t.Context(), s.UUID, wire.Connect{System: "Stripe", Credentials: map[string]string{"key": stripetest.Key}}); err != nil {
		t.Fatal(err)
	}
	return s.UUID
}

func TestSettingsOfABillingSystem(t *testing.T) {
	t.Parallel()
	b, _ := withStripe(t)
	w, id := b.SignIn(), connected(t, b)
	at := "/sources/" + id + "/settings"
	p := w.Get(at)
	shows(t, p, 200, "World Ltd. (acct_1World)", "test mode", "stored", "Leave out void invoices", "New credentials", "must be those of the same account")
	hides(t, p, "billed by use") // Stripe has no such setting
	form := formOf(t, p, at+"/mapping")
	form.Set("invoices", "issued")
	form.Set("without_voided", "yes")
	form.Set("without_refunded", "yes")
	p = w.Post(at+"/mapping", form)
	shows(t, p, 200, "It counts from the next re-sync on", `<option value="issued" selected>`, `name="without_voided" value="yes" checked`, `name="without_refunded" value="yes" checked`)
	form = formOf(t, p, at+"/mapping")
	form.Del("without_voided")
	shows(t, w.Post(at+"/mapping", form), 200, `name="without_voided" value="yes">`)
	form.Set("invoices", "all")
	shows(t, w.Post(at+"/mapping", form), 422, "must be one of: paid, partly_paid, issued")
	c, err := b.API.Connection(t.Context(), id)
	if err != nil || c.Settings != (wire.Mapping{Invoices: "issued", WithoutRefunded: true}) {
		t.Errorf("%+v, %v", c.Settings, err)
	}
	schedule := formOf(t, p, at+"/settings/schedule"[len("/settings"):])
	schedule.Set("every", "6h")
	shows(t, w.Post(at+"/schedule", schedule), 200, "The next re-sync follows it", `value="6h"`)
	schedule.Set("every", "1s")
	shows(t, w.Post(at+"/schedule", schedule), 422, "from 5m to 744h")
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	b, world := withStripe(t)
	w, id := b.SignIn(), connected(t, b)
	at := "/sources/" + id + "/settings"
	shows(t, w.Post(at+"/check", nil), 200, "The credentials are good.")
	world.Revoke()
	shows(t, w.Post(at+"/check", nil), 422, "The credentials are not good now", "it refuses the key")
	for _, page := range []string{at, "/sources/" + id + "/customers"} {
		shows(t, w.Get(page), 200, "Stripe refuses the credentials since", "What was imported stays as it is", "Give new credentials")
	}
	shows(t, w.Get("/sources"), 200, "credentials refused")
	b.Addresses["Stripe"] = systemtest.Serve(t, fresh(t))
	p := w.Post(at+"/connection", url.Values{"credential_key": {"rk_test_wrong"}})
	shows(t, p, 422, "it refuses the key")
	withoutKey(t, p)
	p = w.Post(at+"/connection", url.Values{"credential_key": {stripetest.Key}})
	shows(t, p, 200, "The credentials are good")
	hides(t, p, "refuses the credentials")
	withoutKey(t, p)
	hides(t, w.Get("/sources"), "credentials refused")
}

// The credentials are taken away, once somebody is sure, and given again.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	b, _ := withStripe(t)
	w, id := b.SignIn(), connected(t, b)
	at := "/sources/" + id + "/settings"
	shows(t, w.Post(at+"/disconnect", nil), 422, "Nothing was deleted. Tick the box first.", "Replace the credentials")
	shows(t, w.Post(at+"/disconnect", url.Values{"sure": {"yes"}}), 200, "The credentials are deleted", "This data source is disconnected since", "taken away", "Replace the credentials")
	hides(t, w.Get(at), "Check the credentials", "Delete the credentials")
	shows(t, w.Get("/sources"), 200, "disconnected")
	shows(t, w.Post(at+"/connection", url.Values{"credential_key": {stripetest.Key}}), 200, "The credentials are good")
	hides(t, w.Get("/sources"), "disconnected")
}

// A data source of a billing system that is not connected, and one of files.
func TestConnectingLater(t *testing.T) {
	t.Parallel()
	b, _ := withStripe(t)
	w := b.SignIn()
	s, err := b.API.AddSource(t.Context(), "Stripe EU", "Stripe")
	if err != nil {
		t.Fatal(err)
	}
	at := "/sources/" + s.UUID + "/settings"
	shows(t, w.Get(at), 200, "Connect with Stripe", "Nothing is imported yet")
	shows(t, w.Post(at+"/check", nil), 422, "not connected to a billing system")
	shows(t, w.Post(at+"/connection", url.Values{"credential_key": {stripetest.Key}}), 200, "those of the Stripe account")
	files := added(t, b, "Files")
	hides(t, w.Get("/sources/"+files.UUID+"/settings"), "Connect with", "credentials")
	shows(t, w.Post("/sources/"+files.UUID+"/settings/connection", url.Values{"credential_key": {stripetest.Key}}), 404, "There is no such page")
	if _, err := b.Vault.Get(t.Context(), files.UUID); !fault.Is(err, fault.NotFound) {
		t.Error("credentials of a source of files are stored")
	}
}

// The issue's own story, in pages: connect, preview, import, tag, change at Stripe, re-sync, and one customer alone.
func TestTheStoryOfAStripeAccount(t *testing.T) {
	t.Parallel()
	b, world := withStripe(t)
	ann := world.Add("customer", stripetest.Fields{"name": "Ann", "email": "ann@example.com"})
	bob := world.Add("customer", stripetest.Fields{"name": "Bob", "email": "bob@example.com"})
	world.Price("Gold", 1000, "eur")
	world.Advance(time.Hour)
	w := b.SignIn()
	p := w.Post(newStripe, url.Values{"name": {"Stripe EU"}, "credential_key": {stripetest.Key}})
	id := sourceOf(p)
	preview := func(p consoletest.Page) consoletest.Page {
		t.Helper()
		if p.Status != 200 || !strings.HasPrefix(p.Path, "/jobs/") {
			t.Fatalf("%s, %d:\n%s", p.Path, p.Status, p.Text)
		}
		b.Work()
		return w.Get(p.Path)
	}
	p = preview(w.Post("/sources/"+id+"/sync", nil))
	shows(t, p, 200, "Import</button>")
	hides(t, p, "preadsheet")
	w.Post(p.Path+"/apply", formOf(t, p, p.Path+"/apply"))
	b.Work()
	shows(t, w.Get("/sources/"+id+"/customers"), 200, "Ann", "Bob")

	customer := func(external string) string {
		t.Helper()
		found := regexp.MustCompile(`/customers/(cus_[0-9a-f-]+)`).FindString(w.Get("/customers?q=" + url.QueryEscape(external)).Text)
		if found == "" {
			t.Fatalf("no customer %s", external)
		}
		return found
	}
	page := customer(ann)
	shows(t, w.Post(page+"/tags", url.Values{"tag": {"vip"}}), 200, "vip")
	world.Change(ann, stripetest.Fields{"name": "Ann Smith"})
	world.Change(bob, stripetest.Fields{"name": "Robert"})
	p = w.Get(page)
	shows(t, p, 200, "from the Stripe account World Ltd.", "Re-sync this customer", "Reads <bdi>"+ann+"</bdi> alone again from Stripe")
	p = preview(w.Post(page+"/resync", formOf(t, p, page+"/resync")))
	changes := w.Get(p.Path + "/changes")
	shows(t, changes, 200, "Ann Smith")
	hides(t, changes, "Robert")
	w.Post(p.Path+"/apply", formOf(t, p, p.Path+"/apply"))
	b.Work()
	shows(t, w.Get(page), 200, "Ann Smith", "vip")
	if p := w.Post(page+"/resync", url.Values{"part": {"cus_00000000-0000-0000-0000-000000000000"}}); p.Status != 404 {
		t.Errorf("of a record that is no part of it: %d", p.Status)
	}

	world.Delete(bob)
	p = preview(w.Post("/sources/"+id+"/sync", nil))
	changes = w.Get(p.Path + "/changes")
	shows(t, changes, 200, "Bob", "removed")
	hides(t, changes, "Ann Smith")
	w.Post(p.Path+"/apply", formOf(t, p, p.Path+"/apply"))
	b.Work()
	calls := len(world.Calls())
	p = preview(w.Post("/sources/"+id+"/reprocess", nil))
	shows(t, p, 200, "<b>0</b> changed", "<b>0</b> removed")
	if n := len(world.Calls()); n != calls {
		t.Errorf("reprocessing made %d requests", n-calls)
	}
	shows(t, w.Get("/customers?q="+url.QueryEscape(bob)), 200, "No customer has")
	for _, err := range world.Verdicts() {
		t.Error(err)
	}
}

// A customer of files has no system to be read from.
func TestOnlyCustomersOfBillingSystemsAreReadAgain(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	s := added(t, b, "Files")
	form := url.Values{"external_id": {"c1"}, "name": {"Ann"}}
	p := w.Post("/sources/"+s.UUID+"/customers/new", form)
	shows(t, p, 200, "Ann")
	hides(t, p, "Re-sync this customer")
	hides(t, w.Get("/sources/"+s.UUID+"/customers"), "Reprocess")
}

// Each billing system has its page, with a field for each thing that it asks for; what is secret is not shown when it is typed.
func TestEveryBillingSystemIsOffered(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t)
	w := b.SignIn()
	choice := w.Get("/sources/new")
	for _, s := range systems.All() {
		at := "/sources/new/systems/" + s.Name()
		shows(t, choice, 200, `href="`+at+`"`)
		p := w.Get(at)
		shows(t, p, 200, "Add a data source: "+s.Name())
		for _, ask := range s.Asks() {
			kind := map[bool]string{true: "password", false: "text"}[ask.Secret]
			shows(t, p, 200, ">"+ask.Label+"</label>", `name="credential_`+ask.Name+`" type="`+kind+`"`)
		}
		for _, place := range s.Places() {
			shows(t, p, 200, `<option value="`+place.Name+`">`)
		}
		refused := w.Post(at, url.Values{"name": {s.Name()}})
		shows(t, refused, 422, s.Name()+" needs it.")
	}
	if list, err := b.API.Sources(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
