package puller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"reseed/internal/systemtest"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// shop is a billing system in process, with pages of two objects. It has plans; customers, of which some are no longer listed;
// invoices, which name their customer; and refunds, which name an invoice.
type shop struct {
	*systemtest.Ledgerly

	mu      sync.Mutex
	objects map[system.Stream][]good
	totals  bool // it tells how many objects it has
	before  func(call int) error
	calls   []string // cursors of the pages that were asked for, and customers
}

// good is an object of a shop.
type good struct {
	ID       string    `json:"id"`
	Of       string    `json:"of,omitempty"` // customer of an invoice, invoice of a refund
	Name     string    `json:"name,omitempty"`
	Amount   int64     `json:"amount,omitempty"`
	Date     time.Time `json:"date,omitzero"`
	Void     bool      `json:"void,omitempty"`
	Broken   bool      `json:"broken,omitempty"` // no record can be made of it
	Unlisted bool      `json:"unlisted,omitempty"`
}

const shopPage = 2

func shopStreams() []system.Stream {
	return []system.Stream{"plans", "customers", "invoices", "refunds"}
}

const shopSecret = "s3cr3t-of-the-shop"

func newShop() *shop {
	return &shop{
		Ledgerly: systemtest.New(map[string]system.Account{shopSecret: {ID: "acc_1", Name: "Acme", Live: true}}),
		objects:  map[system.Stream][]good{},
	}
}

// put adds objects, or replaces those with their ids.
func (s *shop) put(stream system.Stream, list ...good) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range list {
		s.objects[stream] = slices.DeleteFunc(s.objects[stream], func(o good) bool { return o.ID == g.ID })
		s.objects[stream] = append(s.objects[stream], g)
	}
	slices.SortFunc(s.objects[stream], func(a, b good) int { return strings.Compare(a.ID, b.ID) })
}

func (s *shop) remove(stream system.Stream, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[stream] = slices.DeleteFunc(s.objects[stream], func(o good) bool { return o.ID == id })
}

// stock fills the shop: n customers with an invoice each, a plan, and a refund of the first invoice. The last customer is not
// listed any more.
func (s *shop) stock(n int) {
	at := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	s.put("plans", good{ID: "gold", Name: "Gold"})
	for i := range n {
		s.put("customers", good{ID: fmt.Sprintf("c%02d", i), Name: fmt.Sprintf("Name %d", i), Unlisted: i == n-1})
		s.put("invoices", good{ID: fmt.Sprintf("in%02d", i), Of: fmt.Sprintf("c%02d", i), Amount: int64(100 + i), Date: at.AddDate(0, 0, i)})
	}
	s.put("refunds", good{ID: "re00", Of: "in00", Amount: 10, Date: at.AddDate(0, 1, 0)})
}

// Open implements [system.System].
func (s *shop) Open(c system.Connection) (system.Reader, error) {
	r, err := s.Ledgerly.Open(c)
	return &shopReader{r, s, c.Credentials["secret"]}, err
}

// BelongsTo implements [system.System].
func (*shop) BelongsTo(o system.Object) (system.Belongs, error) {
	var g good
	err := json.Unmarshal(o.JSON, &g)
	switch b := (system.Belongs{Own: g.ID}); o.Stream {
	case "plans":
		b.Catalog = true
		return b, err
	case "customers":
		b.Customer, b.Self = g.ID, true
		return b, err
	case "invoices":
		b.Customer = g.Of
		return b, err
	default:
		b.Stream, b.ID = "invoices", g.Of
		return b, err
	}
}

// MapCatalog implements [system.System].
func (*shop) MapCatalog(objects []system.Object, _ system.Settings) (m system.Mapped) {
	for _, o := range objects {
		var g good
		_ = json.Unmarshal(o.JSON, &g)
		m.Records = append(m.Records, &billing.Plan{ExternalID: g.ID, Name: g.Name, IntervalCount: 1, IntervalUnit: "month"})
	}
	return m
}

// Map implements [system.System].
func (*shop) Map(objects []system.Object, s system.Settings) (m system.Mapped) {
	kept := system.Kept{}
	for _, o := range objects {
		var g good
		_ = json.Unmarshal(o.JSON, &g)
		kept.Add(o.Stream, "", g.ID, o.JSON)
	}
	each := func(stream system.Stream, ds billing.Dataset, do func(good)) {
		for id, text := range kept.Of(stream, "") {
			var g good
			if json.Unmarshal(text, &g) != nil {
				m.Issues = append(m.Issues, system.Misfit(text, system.Issue{Rejects: true, Dataset: ds, Record: id, Stream: stream, Object: id, Code: "shop_odd", Link: "https://shop.test/" + id}))
				continue
			}
			if g.Broken {
				m.Issues = append(m.Issues, system.Issue{
					Rejects: true, Dataset: ds, Record: id, Stream: stream, Object: id, Code: "shop_broken", Message: "It is broken.", Link: "https://shop.test/" + id,
				})
				continue
			}
			do(g)
		}
	}
	each("customers", billing.Customers, func(g good) { m.Records = append(m.Records, &billing.Customer{ExternalID: g.ID, Name: g.Name}) })
	each("invoices", billing.Invoices, func(g good) {
		if g.Void && s.WithoutVoided {
			m.Left = map[string]int{"voided_invoices": m.Left["voided_invoices"] + 1}
			return
		}
		status := "paid"
		if g.Void {
			status = "voided"
		}
		m.Records = append(m.Records,
			&billing.Invoice{CustomerExternalID: g.Of, ExternalID: g.ID, Date: g.Date, Currency: "EUR", Status: status},
			&billing.LineItem{InvoiceExternalID: g.ID, ExternalID: g.ID + "-1", Type: "one_time", AmountInCents: g.Amount, Quantity: 1})
	})
	each("refunds", billing.Transactions, func(g good) {
		m.Records = append(m.Records, &billing.Transaction{
			InvoiceExternalID: g.Of, ExternalID: g.ID, Type: "refund", Result: "successful", Date: g.Date, AmountInCents: &g.Amount,
		})
	})
	return m
}

type shopReader struct {
	system.Reader

	shop   *shop
	secret string
}

// shopCursor is where a page of a shop begins.
type shopCursor struct {
	Stream   int    `json:"stream"`
	After    string `json:"after"`
	Customer string `json:"customer,omitempty"`
}

// Begin implements [system.Reader].
func (*shopReader) Begin(_ time.Time, customer string) json.RawMessage {
	text, _ := json.Marshal(shopCursor{Customer: customer})
	return text
}

// called notes a call, and says whether it fails.
func (r *shopReader) called(ctx context.Context, what string) error {
	r.shop.mu.Lock()
	r.shop.calls = append(r.shop.calls, what)
	n, before := len(r.shop.calls), r.shop.before
	r.shop.mu.Unlock()
	if before != nil {
		if err := before(n); err != nil {
			return err
		}
	}
	_, err := r.Check(ctx)
	return err
}

// Page implements [system.Reader].
func (r *shopReader) Page(ctx context.Context, cursor json.RawMessage) (p system.Page, err error) {
	if err := r.called(ctx, string(cursor)); err != nil || ctx.Err() != nil {
		return p, cmpErr(err, ctx.Err())
	}
	var c shopCursor
	if err := json.Unmarshal(cursor, &c); err != nil {
		return p, err
	}
	r.shop.mu.Lock()
	defer r.shop.mu.Unlock()
	p.Stream = shopStreams()[c.Stream]
	more := false
	for _, g := range r.shop.objects[p.Stream] {
		switch {
		case g.Unlisted, c.Customer != "" && !r.shop.isOf(p.Stream, g, c.Customer):
			continue
		case r.shop.totals:
			p.Total++
		}
		switch {
		case g.ID <= c.After:
		case len(p.Objects) == shopPage:
			more = true
		default:
			text, _ := json.Marshal(g)
			p.Objects = append(p.Objects, system.Object{Stream: p.Stream, JSON: text})
		}
	}
	if c.After = ""; more {
		c.After = lastID(p.Objects)
	} else {
		c.Stream++
	}
	p.Done = c.Stream == len(shopStreams())
	p.Next, err = json.Marshal(c)
	return p, err
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func lastID(list []system.Object) string {
	var g good
	_ = json.Unmarshal(list[len(list)-1].JSON, &g)
	return g.ID
}

func (s *shop) isOf(stream system.Stream, g good, customer string) bool {
	switch stream {
	case "plans":
		return true
	case "customers":
		return g.ID == customer
	case "invoices":
		return g.Of == customer
	}
	return slices.ContainsFunc(s.objects["invoices"], func(in good) bool { return in.ID == g.Of && in.Of == customer })
}

// Customer implements [system.Reader].
func (r *shopReader) Customer(ctx context.Context, id string) (o system.Object, found bool, err error) {
	if err := r.called(ctx, id); err != nil {
		return o, false, err
	}
	r.shop.mu.Lock()
	defer r.shop.mu.Unlock()
	for _, g := range r.shop.objects["customers"] {
		if g.ID == id {
			text, err := json.Marshal(g)
			return system.Object{Stream: "customers", JSON: text}, true, err
		}
	}
	return o, false, nil
}

// away is the error of a system that does not answer.
func away() error {
	return fault.New(fault.Unavailable, remote.CodeWait, "Ledgerly: it could not be reached.")
}
