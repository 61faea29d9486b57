package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// accountFiles are the files of an account, with a text replaced by another one.
func accountFiles(from, to string) (parts []part) {
	for i, text := range []string{customersFile, plansFile, invoicesFile, linesFile, transactionsFile} {
		parts = append(parts, file(fmt.Sprintf("%d.csv", i), strings.ReplaceAll(text, from, to)))
	}
	return parts
}

// fewer are these files without the rows that hold a text, for a replace.
func fewer(without string) (parts []part) {
	for _, p := range accountFiles("\r", "") {
		var rows []string
		for row := range strings.Lines(p.text) {
			if !strings.Contains(row, without) {
				rows = append(rows, row)
			}
		}
		p.text = strings.Join(rows, "")
		parts = append(parts, p)
	}
	return append(parts, part{"mode", "", "replace"}, part{"max_removed", "", "100"})
}

// undone takes an import back, and returns how many rows were left alone, and why.
func (b *bed) undone(id string) (rejects string) {
	b.t.Helper()
	undo := text(b.t, b.must(202, "POST", "/v1/imports/"+id+"/undo", ""), "id")
	b.work()
	if j := b.is(undo, "done"); fmt.Sprint(j["rejects"]) == "0" {
		return ""
	}
	return b.do("GET", "/v1/imports/"+undo+"/rejects", "").body
}

// An undo leaves the rows alone that are being erased: a restore finds them as they were.
func TestAnUndoLeavesWhatIsBeingErased(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer", "customer-invoices", "invoice"} {
		for name, last := range map[string][]part{"added": nil, "changed": accountFiles("00,", "01,"), "removed": fewer("one_time"), "removed whole": fewer("i2,")} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := newBed(t, nil)
				id := b.done("done", accountFiles("", "")...)
				if last != nil {
					id = b.done("done", last...)
				}
				hidden, shown := b.c1(), "/v1/import/customers/"+b.c1()+"/invoices"
				if kind == "invoice" {
					hidden, shown = b.uuid("invoices", "i1"), "/v1/invoices/"+b.uuid("invoices", "i1")
				}
				was := b.do("GET", shown, "").body
				erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, hidden)
				rejects := b.undone(id)
				if kind+name != "invoiceremoved whole" && !strings.Contains(rejects, "being_erased") {
					t.Errorf("not told: %s", rejects)
				}
				b.restored(erase, shown, was)
			})
		}
	}
}

// A replace that lacks the rows that are being erased, and what they belong to, leaves both: a
// restore finds them as they were.
func TestAReplaceLeavesWhatIsBeingErased(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer", "customer-invoices", "invoice"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			b.done("done", accountFiles("", "")...)
			hidden, shown := b.c1(), "/v1/import/customers/"+b.c1()+"/invoices"
			if kind == "invoice" {
				hidden, shown = b.uuid("invoices", "i1"), "/v1/invoices/"+b.uuid("invoices", "i1")
			}
			was := b.do("GET", shown, "").body
			erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, hidden)
			var others []part // files without the customer and the plan
			for _, p := range fewer("c1") {
				if p.file == "1.csv" {
					p.text = strings.ReplaceAll(p.text, "Gold,1,month,gold\n", "")
				}
				if p.file == "3.csv" || p.file == "4.csv" {
					p.text = onlyOf("i9", p.text)
				}
				others = append(others, p)
			}
			b.done("done", others...)
			b.restored(erase, shown, was)
		})
	}
}

// An invoice that is being erased with its customer can't be given to another one meanwhile.
func TestAnInvoiceDoesNotMoveWhileItIsErased(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"upsert", "replace"} {
		b := newBed(t, nil)
		b.done("done", accountFiles("", "")...)
		shown := "/v1/import/customers/" + b.c1() + "/invoices"
		was := b.do("GET", shown, "").body
		erase := b.erase(`{"selection":"customer","id":%q,"grace":"48h"}`, b.c1())
		id := b.done("done", append(accountFiles("c1,i", "c2,i"), part{"mode", "", mode})...)
		if rejects := textOf(t, b.do("GET", "/v1/imports/"+id+"/rejects", "").body); strings.Count(rejects, "being_erased") < 3 {
			t.Errorf("%s: not told: %s", mode, rejects)
		}
		b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
		if is := b.do("GET", shown, "").body; is != was {
			t.Errorf("%s: was %s\nis %s", mode, was, is)
		}
	}
}

// A plan is refused if an erase in its source was asked for since, even if the erase has waited for
// its turn until then.
func TestAPlanBeforeAnEraseThatWaits(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", accountFiles("", "")...)
	plan := b.done("planned", append(accountFiles("00,", "01,"), part{"plan", "", "true"})...)
	end := b.locked(b.ofSource(b.source))
	erase := b.erase(`{"selection":"customer","id":%q,"grace":"0s"}`, b.c1())
	b.must(202, "POST", "/v1/imports/"+plan+"/apply", "")
	end()
	b.later()
	if j := b.is(plan, "failed"); !strings.Contains(fmt.Sprint(j["error"]), "erased since this plan") {
		t.Errorf("the plan ends with %v", j["error"])
	}
	b.must(200, "GET", "/v1/erasures/"+erase+"/receipt", "")
}

// onlyOf returns the header of a file, and the rows that begin with a prefix.
func onlyOf(prefix, text string) string {
	var rows []string
	for row := range strings.Lines(text) {
		if len(rows) == 0 || strings.HasPrefix(row, prefix) {
			rows = append(rows, row)
		}
	}
	return strings.Join(rows, "")
}

// restored restores an erase, and checks that the plan is there and that shown is answered as
// before.
func (b *bed) restored(erase, shown, was string) {
	b.t.Helper()
	b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
	b.hasGold()
	if is := b.do("GET", shown, "").body; is != was {
		b.t.Errorf("was %s\nis %s", was, is)
	}
}

// hasGold checks that the plan is there that a line item of i1 names.
func (b *bed) hasGold() {
	b.t.Helper()
	if plans := fmt.Sprint(b.must(200, "GET", "/v1/plans?external_id=gold&data_source_uuid="+b.source, "")["plans"]); !strings.Contains(plans, "Gold") {
		b.t.Errorf("the plan is gone: %s", plans)
	}
}

// A plan, of an import or an undo, that was made before an erase can be applied if the erase was
// restored. It can't be applied while the erase hides something, or after the sweep.
func TestAPlanMadeBeforeAnErase(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"import", "undo"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			first := b.done("done", accountFiles("", "")...)
			planned := func() string {
				if what == "import" {
					return b.done("planned", append(accountFiles("00,", "01,"), part{"plan", "", "true"})...)
				}
				id := text(b.t, b.must(202, "POST", "/v1/imports/"+first+"/undo", `{"plan":true}`), "id")
				b.work()
				b.is(id, "planned")
				return id
			}
			early, late := planned(), planned()
			shown := "/v1/import/customers/" + b.c1() + "/invoices"
			was := b.do("GET", shown, "").body
			erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, "customer", b.c1())
			b.must(202, "POST", "/v1/imports/"+early+"/apply", "")
			b.work()
			if j := b.is(early, "failed"); !strings.Contains(fmt.Sprint(j["error"]), "Data of this source has been erased since this plan was made") {
				t.Errorf("%v", j["error"])
			}
			b.restored(erase, shown, was)
			b.must(202, "POST", "/v1/imports/"+late+"/apply", "")
			b.work()
			b.is(late, "done")
			if now := b.do("GET", shown, "").body; now == was {
				t.Errorf("nothing was changed: %s", now)
			}
		})
	}
}
