package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// An undo leaves the rows alone that its import has added while an erase hides them: a restore can
// bring them back.
func TestAnUndoLeavesWhatItsImportAddedAndCanBeRestored(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	id := b.done("done", accountFiles("", "")...)
	shown := "/v1/import/customers/" + b.c1() + "/invoices"
	was := b.do("GET", shown, "").body
	erase := b.erase(`{"selection":"import","id":%q,"grace":"48h"}`, id)
	if rejects := b.undone(id); strings.Count(rejects, ",being_erased,") < 10 {
		t.Errorf("not told: %s", rejects)
	}
	b.restored(erase, shown, was)
}

// While the rows that an import added are hidden, no record made over REST takes their place or
// belongs to them.
func TestNothingTakesThePlaceOfWhatAnImportAdded(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	stays := text(t, b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"stays"}`, b.source)), "uuid")
	id := b.done("done", accountFiles("", "")...)
	invoice := entries(t, b.must(200, "GET", "/v1/invoices", ""), "invoices")[0]
	line := entries(t, invoice, "line_items")[0]
	erase := b.erase(`{"selection":"import","id":%q,"grace":"48h"}`, id)
	b.count(1, "/v1/customers", "entries")
	b.count(0, "/v1/plans", "plans")
	b.count(0, "/v1/invoices", "invoices")
	b.status(404, "GET", "/v1/invoices/"+text(t, invoice, "uuid"), "")
	b.status(404, "GET", "/v1/customers/"+text(t, invoice, "customer_uuid"), "")
	b.status(404, "POST", "/v1/import/customers/"+text(t, invoice, "customer_uuid")+"/invoices", `{"invoices":[{"date":"2025-01-01","currency":"USD","line_items":[]}]}`)

	b.status(429, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, b.source, invoice["customer_external_id"]))
	b.status(429, "POST", "/v1/plans", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"gold","name":"Gold","interval_count":1,"interval_unit":"month"}`, b.source))
	for _, ids := range [][2]any{{invoice["external_id"], "other"}, {"other", line["external_id"]}} {
		b.status(429, "POST", "/v1/import/customers/"+stays+"/invoices", fmt.Sprintf(`{"invoices":[{"external_id":%q,"date":"2025-01-01","currency":"USD",
			"line_items":[{"type":"one_time","amount_in_cents":1,"external_id":%q}]}]}`, ids[0], ids[1]))
	}
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.status(200, "GET", "/v1/invoices/"+text(t, invoice, "uuid"), "")
	b.status(422, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, b.source, invoice["customer_external_id"]))

	done := b.erase(`{"selection":"import","id":%q}`, id)
	b.work()
	b.must(200, "GET", "/v1/erasures/"+done+"/receipt", "")
	b.status(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, b.source, invoice["customer_external_id"]))
	b.status(200, "GET", "/v1/customers/"+stays, "")
}

// An undo does not put back a row whose external id a hidden row has that can be restored: there
// would be two with it.
func TestAnUndoTakesNoExternalIDOfWhatAnImportAdded(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	const head = "Invoice external ID,External ID,Type,Amount in cents\n"
	invoices := file("i.csv", "Customer external ID,Invoice external ID,Invoiced date,Currency\nc1,i1,2025-01-01,USD\nc1,i2,2025-01-01,USD\n")
	b.done("done", file("c.csv", "Name,External ID\nAda,c1\n"), invoices, file("l.csv", head+"i1,l,one_time,1\ni1,m,one_time,1\n"))
	without := b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("l.csv", head+"i1,m,one_time,1\n"))
	moved := b.done("done", file("l.csv", head+"i2,l,one_time,1\n"))
	erase := b.erase(`{"selection":"import","id":%q,"grace":"48h"}`, moved)
	if rejects := b.undone(without); !strings.Contains(rejects, "being_erased") {
		t.Errorf("not told: %s", rejects)
	}
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	lines := 0
	for _, invoice := range entries(t, b.must(200, "GET", "/v1/invoices", ""), "invoices") {
		for _, line := range entries(t, invoice, "line_items") {
			if line["external_id"] == "l" {
				lines++
			}
		}
	}
	if lines != 1 {
		t.Errorf("%d line items have the id", lines)
	}
}
