package company

import (
	"strconv"
)

func (g *generator) writePlans() {
	for i := range g.words.plans {
		p := &g.words.plans[i]
		g.tables[Plans].add(p.name, strconv.Itoa(p.count), p.unit, p.id)
	}
}

func (g *generator) writeProfile(c *customer) {
	t := g.tables[Customers]
	if t == nil {
		return
	}
	d := throw(g.Seed, topicAddress, c.number)
	country, region, zip := pick(&d, c.place.country), pick(&d, c.place.region), c.place.fillZip(&d)
	form := dateForm(d.below(dateForms))
	lead, trial := form.format(c.lead), form.format(c.trial)
	if g.Layout == Current {
		t.add(c.company, country, region, c.place.city, zip, c.id, lead, trial)
		return
	}
	t.add(c.first.text+" "+c.last.text, g.email(c), c.company, country, region, c.place.city, zip, c.id, lead, trial)
}

// writeContacts writes the customer's own name as its first contact, and for one
// customer in three a colleague. Names identify a contact without an e-mail.
func (g *generator) writeContacts(c *customer) {
	d := throw(g.Seed, topicContacts, c.number)
	g.writeContact(c, &d, c.first, c.last, g.email(c))
	if !d.percent(33) {
		return
	}
	first, last := pick(&d, c.place.people.first), pick(&d, c.place.people.last)
	mail := ""
	if d.percent(70) {
		mail = first.ascii + ".office" + strconv.Itoa(c.number+1) + "@example.org"
	}
	if first != c.first || last != c.last {
		g.writeContact(c, &d, first, last, mail)
	}
}

func (g *generator) writeContact(c *customer, d *dice, first, last name, mail string) {
	var phone, linkedIn, twitter string
	if d.percent(50) {
		phone = "+1 555 01" + padded(d.below(100), 2) // numbers set aside for fiction
	}
	if d.percent(30) {
		linkedIn = "https://linkedin.example/in/" + first.ascii + "-" + last.ascii
	}
	if d.percent(15) {
		twitter = "@" + first.ascii + "_" + last.ascii
	}
	note := pick(d, g.words.notes)
	if c.number%personas == 4 { // so any twelve customers have a line break in a cell
		note = g.words.notes[len(g.words.notes)-1]
	}
	g.tables[Contacts].add(c.id, first.text, last.text, mail, "", pick(d, g.words.titles), phone, linkedIn, twitter, note)
}

func (g *generator) writeHistory(h *history) {
	for i := range h.invoices {
		inv := &h.invoices[i]
		g.tables[Invoices].add(inv.customer, inv.id, h.form.format(inv.date), h.form.format(inv.due), currencies()[inv.currency])
		for j := range inv.lines {
			g.writeLine(inv, j)
		}
		for _, t := range inv.payments {
			g.tables[Transactions].add(inv.id, t.id, t.kind, t.result, h.form.format(t.date))
		}
	}
	for i := range h.events {
		g.writeEvent(h, &h.events[i])
	}
}

// writeLine writes line i of an invoice. Lines have external ids in the layout of
// 2020 only.
func (g *generator) writeLine(inv *invoice, i int) {
	g.lines++
	t, l := g.tables[LineItems], &inv.lines[i]
	if t == nil {
		return
	}
	g.amounts[currencies()[inv.currency]] += l.amount
	id, kind, planID, account, from, to := "", "OneTime", "", "4100-services", l.from, l.to
	if l.plan != nil {
		kind, planID, account = "Subscription", l.plan.id, "4000-subscriptions"
	}
	if g.Layout == Y2020 {
		id = "li_" + inv.id[len("inv_"):] + "_" + strconv.Itoa(i+1)
	}
	row := [...]string{
		inv.id, id, l.subscription, l.set, kind, number(l.amount), planID,
		dayForm.format(from), dayForm.format(to), strconv.Itoa(l.quantity), boolean(l.proration),
		l.discountCode, numberUnlessZero(l.discount), number(l.tax), l.description, number(l.fee), account,
		feeCurrency(inv, l), l.discountBy, numberUnlessZero(int64(l.order)), balance(l), prorationType(l),
	}
	if g.Layout == Y2020 {
		t.add(row[:lineColumns2020]...)
		return
	}
	t.add(row[:]...)
}

// lineColumns2020 is how many columns a line item had in the older layout.
const lineColumns2020 = 17

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

func feeCurrency(inv *invoice, l *line) string {
	if l.fee == 0 {
		return ""
	}
	return currencies()[inv.currency]
}

// balance is zero on one-time lines, and blank on others.
func balance(l *line) string {
	if l.plan != nil {
		return ""
	}
	return "0"
}

func prorationType(l *line) string {
	if !l.proration {
		return ""
	}
	return "differential"
}

func (g *generator) writeEvent(h *history, e *event) {
	c := h.customer
	if e.kind == eventCancelled {
		g.tables[Cancellations].add(e.subscription, c.id, dayForm.format(e.effective))
	}
	var planID, currency, amount, quantity string
	if e.plan != nil {
		planID, currency, quantity = e.plan.id, currencies()[c.place.currency], strconv.Itoa(e.quantity)
		amount = number(e.plan.price[c.place.currency] * int64(e.quantity))
	}
	g.tables[SubscriptionEvents].add(c.id, e.subscription, e.id, e.kind, e.retracts,
		dayForm.format(e.date), dayForm.format(e.effective), planID, currency, amount, quantity)
}
