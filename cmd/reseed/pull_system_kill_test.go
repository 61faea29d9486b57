package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"reseed/internal/effort"
	"reseed/internal/stripetest"
	"reseed/internal/systemtest"
	"reseed/pkg/billing"
)

const (
	systemKills     = 30 // see envKills
	stripeCustomers = 24
	stripeGone      = 4 // of these
)

// TestKillSystemPulls is TestKillPulls for pulls from the stand-in for Stripe: a first one; one that adds, changes and removes
// rows; and one of what the pull before has read. The process dies while it reads, between pages, and while it sorts, joins and maps.
func TestKillSystemPulls(t *testing.T) { //nolint:tparallel // as TestKillAnywhere
	t.Parallel()
	k := &killer{bin: commands(t), seed: uint64(setting(t, envSeed, defaultSeed))}
	k.each(t, k.systemPulls(t), setting(t, envKills, effort.Some(systemKills)))
}

// systemPulls makes an account, the data folders to begin with, and the list of scenarios.
func (k *killer) systemPulls(t *testing.T) (all []*scenario) {
	t.Helper()
	w, customers := stripeAccount(t)
	env := []string{"RESEED_STRIPE_URL=" + systemtest.Serve(t, w)}
	key, err := json.Marshal(map[string]string{"key": stripetest.Key})
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(secret, key, 0o600); err != nil {
		t.Fatal(err)
	}
	blank, old, unlike := t.TempDir(), t.TempDir(), t.TempDir()
	run := func(data string, args ...string) {
		(&scenario{killer: k, env: env}).start(t, data, "", args, fate{}).succeeded(t)
	}
	k.plain(t, blank, wholeBytes, "import", "--source", "Bystander", twelve(t, 4).folder(t))
	run(blank, "sources", "add", companyName, "--system", "Stripe", "--credentials", secret)
	copyFolder(t, blank, old)
	run(old, "sync", companyName)
	editSome(t, old, input{billing.Customers: customersOf(customers)})
	copyFolder(t, old, unlike)
	run(unlike, "sources", "set", companyName, "--without-voided")
	for _, c := range customers[len(customers)-stripeGone:] {
		w.Delete(c)
	}
	w.Add("customer", stripetest.Fields{"name": "New"})
	w.Change(customers[0], stripetest.Fields{"name": "Changed"})
	w.Advance(time.Hour)
	add := func(name string, piece int, from string, args ...string) {
		all = append(all, &scenario{killer: k, name: name, piece: piece, env: env, from: from, args: args, again: true})
	}
	add("first pull", pieceBytes, blank, "sync", companyName)
	add("pull", wholeBytes, old, "sync", companyName, "--yes")
	add("plan and apply", pieceBytes, old, "sync", companyName, "--plan")
	add("reprocess", pieceBytes, unlike, "reprocess", companyName, "--yes")
	return all
}

// stripeAccount makes an account, and returns it with the ids of its customers. Each has two invoices, of which some are void.
func stripeAccount(t *testing.T) (w *stripetest.World, customers []string) {
	t.Helper()
	w, err := stripetest.New(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for i := range stripeCustomers {
		c := w.Add("customer", stripetest.Fields{"name": fmt.Sprintf("Name %d", i)})
		customers = append(customers, c)
		charge := w.Pay(w.Bill(c, "eur", stripetest.Line{Amount: 1000, Text: "Workshop"}), 1000)
		w.Refund(charge, 100)
		second := w.Bill(c, "eur", stripetest.Line{Amount: 500, Text: "Book"})
		if i%6 == 0 {
			w.Change(second, stripetest.Fields{"status": "void"})
		}
		w.Advance(time.Hour)
	}
	return w, customers
}

// customersOf are rows of customers that have nothing but an id.
func customersOf(ids []string) [][]string {
	rows := [][]string{{"External ID"}}
	for _, id := range ids {
		rows = append(rows, []string{id})
	}
	return rows
}
