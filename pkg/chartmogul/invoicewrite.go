package chartmogul

import (
	"crypto/rand"
	"net/http"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// problemE is error family E: each invoice of an import with its own errors.
type problemE struct {
	Invoices []invoiceWire `json:"invoices"`
}

// importInvoices is POST /import/customers/:uuid/invoices: all of them or none.
func importInvoices(c *call) (ans reply, err error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("invoices"); err != nil {
		return reply{}, err
	}
	list := f.list("invoices", maxInvoices)
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, owner, err := c.customer(c.PathValue("uuid"))
		if err != nil {
			return err
		}
		drafts, err := c.readDrafts(list)
		if err != nil {
			return err
		}
		if err := c.prepare(a, owner, drafts); err != nil {
			return err
		}
		if err := c.storeInvoices(a, owner, drafts); err != nil {
			return err
		}
		ans = reply{status: http.StatusCreated, body: listed{name: "invoices", records: draftsTold(a, drafts)}}
		return nil
	})
}

// draftsTold spells what was stored: with their line items and transactions as long as there is room for those.
func draftsTold(a account, drafts []*draft) records {
	out := records{most: len(drafts)}
	for _, d := range drafts {
		t := told{d.row, a, style{}}
		if was := out; !out.add(t) || len(out.text) > maxAnswer/2 {
			out = was
			t.behead()
			out.add(t)
		}
	}
	return out
}

func wiresOf(a account, drafts []*draft) []invoiceWire {
	out := make([]invoiceWire, len(drafts))
	for i, d := range drafts {
		out[i] = d.row.wire(a, style{})
	}
	return out
}

// prepare completes the drafts: who owns them, what identity each part has, which plans they name.
func (c *call) prepare(a account, owner customerRow, drafts []*draft) error {
	for _, d := range drafts {
		d.row.src, d.row.record.CustomerExternalID = owner.Source, owner.record.ExternalID
		d.row.h = a.hash.InvoiceH(d.row.record.ExternalID)
		for i := range d.row.lines {
			l := &d.row.lines[i]
			if l.h = randomH(); l.record.ExternalID != "" {
				l.h = a.hash.LineItemH(l.record)
			}
			if l.record.Type == billing.Subscription && l.record.SubscriptionExternalID == "" {
				l.record.SubscriptionExternalID = uuid.NewString()
			}
		}
		for i := range d.row.trans {
			t := &d.row.trans[i]
			if t.h = randomH(); t.record.ExternalID != "" {
				t.h = a.hash.TransactionH(t.record)
			}
		}
	}
	return c.resolvePlans(a, owner.Source, drafts)
}

// randomH is the identity of a record without an external id: a random one
// (architecture §3), since nothing says that two such records are the same.
func randomH() (h store.H) {
	_, _ = rand.Read(h[:]) // never fails (crypto/rand)
	return h
}

// resolvePlans finds the plans of all line items in one batch get.
func (c *call) resolvePlans(a account, src store.Source, drafts []*draft) error {
	wanted := map[string]table.Key{}
	var keys []table.Key
	for _, d := range drafts {
		for _, id := range d.plans {
			tag, h, err := store.ParseID(store.PrefixPlan, id)
			if _, known := wanted[id]; known || err != nil || tag != src.Tag {
				continue
			}
			wanted[id] = src.Space().Plan(h)
			keys = append(keys, wanted[id])
		}
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		for i, id := range d.plans {
			attrs, ok := found[wanted[id]]
			switch {
			case id == "":
			case !ok || !a.Visible(attrs):
				noteFirst(d.errs, prefixLine+"plan_uuid", "Plan not found")
			default:
				d.row.lines[i].record.PlanExternalID = store.DecodePlan(attrs).ExternalID
			}
		}
	}
	return nil
}

func noteFirst(errs map[string]string, name, text string) {
	if _, already := errs[name]; !already {
		errs[name] = text
	}
}

// storeInvoices writes the drafts, unless something is wrong with one of them.
func (c *call) storeInvoices(a account, owner customerRow, drafts []*draft) error {
	if err := c.takeOver(a, owner.Source, drafts); err != nil {
		return err
	}
	over, err := c.findDuplicates(a, owner, drafts)
	if err != nil {
		return err
	}
	if err := refusedDrafts(a, drafts); err != nil {
		return err
	}
	w := c.writing(a, owner, over)
	if w.left, err = c.leftBehind(a, owner.Source, drafts, over); err != nil {
		return err
	}
	for _, d := range drafts {
		w.add(d)
	}
	if err := w.cancel(); err != nil {
		return err
	}
	return w.commit()
}

// refusedDrafts is the 422 of family E, or nil: every invoice with its own errors, none stored.
func refusedDrafts(a account, drafts []*draft) error {
	bad := false
	for _, d := range drafts {
		bad = bad || len(d.errs) > 0
	}
	if !bad {
		return nil
	}
	out := wiresOf(a, drafts)
	for i, d := range drafts {
		out[i].UUID, out[i].Errors = nil, d.errs
		out[i].LineItems, out[i].Transactions = []any{}, []transactionWire{}
	}
	return &failure{status: http.StatusUnprocessableEntity, body: problemE{out}}
}
