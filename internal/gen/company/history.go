package company

import (
	"strconv"
	"time"
)

// invoice is one bill with what is on it and how it was paid.
type invoice struct {
	id, customer string
	date, due    time.Time // due is zero for some
	currency     int
	lines        []line
	payments     []transaction
}

// line is a line item. Without a subscription it is a one-time line.
type line struct {
	subscription, set        string
	plan                     *plan // nil for one-time lines
	from, to                 time.Time
	amount                   int64 // minor units, after discount and tax
	quantity                 int
	proration                bool
	discount, tax, fee       int64
	discountCode, discountBy string
	description              string
	order                    int // 0: blank
}

type transaction struct {
	id           string // empty for some customers
	kind, result string
	date         time.Time
}

// event is a subscription event. A nil plan leaves plan, currency, amount and
// quantity blank.
type event struct {
	id, subscription string
	kind             string
	retracts         string
	date, effective  time.Time
	plan             *plan
	quantity         int
}

// The kinds of events that occur.
const (
	eventStart          = "subscription_start"
	eventStartScheduled = "subscription_start_scheduled"
	eventUpdated        = "subscription_updated"
	eventCancelled      = "subscription_cancelled"
	eventCancelLater    = "subscription_cancellation_scheduled"
	eventRetracted      = "subscription_event_retracted"
)

// subscription is a running contract: what the next invoice bills.
type subscription struct {
	id, set  string
	plan     *plan
	quantity int
	addOn    *subscription // second part of the same set, if any
	begun    time.Time
	periods  int // how many have been billed
}

// history is what happened to one customer.
type history struct {
	customer *customer
	words    *lexicon
	dice     dice
	form     dateForm // of the dates in this customer's invoices and transactions
	ids      bool     // transactions and events have external ids
	fees     bool     // the payment provider's fee is known

	invoices []invoice
	events   []event
}

// history invents the whole story of a customer, from the seed and the customer's
// number.
func (g *generator) history(c *customer) *history {
	h := &history{customer: c, words: g.words, dice: throw(g.Seed, topicHistory, c.number)}
	if h.dice.percent(35) {
		h.form = dateForm(h.dice.below(dateForms))
	}
	h.ids, h.fees = h.dice.percent(50), h.dice.percent(20)
	if c.persona == prospect {
		h.scheduleStart()
		return h
	}
	s := h.subscribe(c.start)
	h.run(s, h.stays(s))
	return h
}

// scheduleStart schedules the start of a subscription that has no line items yet.
func (h *history) scheduleStart() {
	p := &h.words.plans[goldYearly]
	h.addEvent(event{
		kind: eventStartScheduled, subscription: h.subscriptionID(1), date: h.customer.start,
		effective: future(), plan: p, quantity: 1 + h.dice.below(5),
	})
}

func (h *history) subscriptionID(n int) string {
	return "sub_" + h.customer.id[len("scus_"):] + "_" + strconv.Itoa(n)
}

// subscribe begins the customer's first contract.
func (h *history) subscribe(on time.Time) *subscription {
	s := &subscription{id: h.subscriptionID(1), plan: h.choosePlan(), quantity: 1, begun: on}
	if h.dice.percent(40) {
		s.quantity += h.dice.below(9)
	}
	if h.customer.persona == multiPart {
		s.set = "set_" + h.customer.id[len("scus_"):]
		s.addOn = &subscription{id: h.subscriptionID(2), set: s.set, plan: &h.words.plans[bronzeMonthly], quantity: 1, begun: on}
		s.plan = &h.words.plans[goldMonthly]
	}
	h.started(s)
	return s
}

func (h *history) started(s *subscription) {
	h.addEvent(event{kind: eventStart, subscription: s.id, date: s.begun, effective: s.begun, plan: s.plan, quantity: s.quantity})
	if s.addOn != nil {
		h.started(s.addOn)
	}
}

func (h *history) choosePlan() *plan {
	chosen := h.dice.below(goldMonthly + 1)
	switch h.customer.persona {
	case yearly:
		chosen = silverYearly + h.dice.below(2)
	case halfYearly:
		chosen = goldHalfYearly
	case upgrading:
		chosen = h.dice.below(goldMonthly)
	case steady, refunded, onboarded, churned, prospect, wavering, growing, multiPart, returning:
	}
	return &h.words.plans[chosen]
}

// stays returns how many periods the first contract lasts; -1 if it lasts until
// the books close.
func (h *history) stays(s *subscription) int {
	switch h.customer.persona {
	case churned:
		return 3 + h.dice.below(9)
	case returning:
		return 2
	case steady, onboarded:
		if s.plan.unit == "month" && h.dice.percent(25) {
			return 4 + h.dice.below(18)
		}
	case yearly, halfYearly, refunded, upgrading, prospect, wavering, growing, multiPart:
	}
	return -1
}

// run bills period after period until the books close or the contract ends.
func (h *history) run(s *subscription, last int) {
	for ; s.next().Before(booksClosed()); s.periods++ {
		if s.periods == last {
			h.cancel(s)
			return
		}
		h.bill(s)
		h.live(s)
	}
}

// next returns the first day of the first period that has not been billed.
func (s *subscription) next() time.Time { return s.begun.AddDate(0, s.periods*s.plan.months(), 0) }

// live adds what the persona does within the period that was just billed.
func (h *history) live(s *subscription) {
	switch persona := h.customer.persona; {
	case persona == upgrading && s.periods == 3:
		h.change(s, h.upgrade(s.plan), s.quantity)
	case persona == growing && s.periods == 2:
		h.change(s, s.plan, s.quantity+1+h.dice.below(4))
	case persona == wavering && s.periods == 1:
		h.waver(s, future(), "", "")
	case persona == returning && s.periods == 0 && s.id == h.subscriptionID(1):
		h.waver(s, s.next().AddDate(0, 2, 0), h.eventID(90), h.eventID(90))
	}
}

// upgrade returns the next more expensive monthly plan.
func (h *history) upgrade(p *plan) *plan {
	if p == &h.words.plans[bronzeMonthly] {
		return &h.words.plans[silverMonthly]
	}
	return &h.words.plans[goldMonthly]
}

// waver schedules a cancellation and withdraws it some days later. If retracts is
// empty, only the subscription and the effective date say what is withdrawn.
func (h *history) waver(s *subscription, effective time.Time, id, retracts string) {
	day := s.next().AddDate(0, 0, 3)
	h.addEvent(event{id: id, kind: eventCancelLater, subscription: s.id, date: day, effective: effective})
	h.addEvent(event{kind: eventRetracted, subscription: s.id, date: day.AddDate(0, 0, 5), effective: effective, retracts: retracts})
}

// cancel ends a contract with its last period. A returning customer begins a
// new one two months later.
func (h *history) cancel(s *subscription) {
	end := s.next()
	h.addEvent(event{kind: eventCancelled, subscription: s.id, date: end.AddDate(0, 0, -1-h.dice.below(9)), effective: end})
	if h.customer.persona != returning || s.id != h.subscriptionID(1) {
		return
	}
	again := &subscription{id: h.subscriptionID(2), plan: s.plan, quantity: s.quantity, begun: end.AddDate(0, 2, 0)}
	if again.begun.Before(booksClosed()) {
		h.started(again)
		h.run(again, -1)
	}
}

// bill adds the invoice for the next period.
func (h *history) bill(s *subscription) {
	day := s.next()
	inv := h.newInvoice(day)
	inv.lines = append(inv.lines, h.periodLine(s, day))
	if s.addOn != nil {
		inv.lines = append(inv.lines, h.periodLine(s.addOn, day))
		s.addOn.periods++
	}
	if s.periods == 0 {
		h.addServices(&inv)
	}
	h.pay(&inv, s.periods)
	h.invoices = append(h.invoices, inv)
}

func (h *history) newInvoice(day time.Time) invoice {
	inv := invoice{
		id:       "inv_" + h.customer.id[len("scus_"):] + "_" + padded(len(h.invoices)+1, 3),
		customer: h.customer.id, currency: h.customer.place.currency,
		date: day.Add(h.timeOfDay()),
	}
	if h.dice.percent(70) {
		inv.due = day.AddDate(0, 0, 14).Add(h.timeOfDay())
	}
	return inv
}

// timeOfDay draws a time of day. It is midnight if only the day is written.
func (h *history) timeOfDay() time.Duration {
	if h.form == dayForm {
		return 0
	}
	return timeOfDay(&h.dice)
}

// periodLine bills one full period, with a welcome discount for some.
func (h *history) periodLine(s *subscription, day time.Time) line {
	l := line{subscription: s.id, set: s.set, plan: s.plan, quantity: s.quantity, from: day, to: day.AddDate(0, s.plan.months(), 0)}
	gross := s.plan.price[h.customer.place.currency] * int64(s.quantity)
	if s.periods < 3 && (h.customer.persona == yearly || h.customer.number%10 == 3) {
		l.discount, l.discountCode, l.discountBy = gross/5, "WELCOME20", "20 % off, first three invoices"
	}
	h.total(&l, gross)
	return l
}

// total sets tax, fee and the amount after discount and tax.
func (h *history) total(l *line, gross int64) {
	net := gross - l.discount
	l.tax = net * int64(h.customer.place.taxRate) / 100
	l.amount = net + l.tax
	if h.fees && l.amount > 0 {
		l.fee = l.amount * 29 / 1000
	}
}

// addServices puts one-time lines on the first invoice. Those of an onboarded
// customer differ in their description only.
func (h *history) addServices(inv *invoice) {
	var services []string
	switch {
	case h.customer.persona == onboarded:
		services = []string{"Workshop, day 1", "Workshop, day 2"}
	case h.customer.persona == multiPart:
		services = []string{"Data migration\nfrom \"old\" system"}
	case h.dice.percent(10):
		services = []string{"Set-up fee"}
	}
	for _, text := range services {
		l := line{from: inv.date, to: inv.date.AddDate(0, 0, 1), quantity: 1, description: text}
		h.total(&l, 5*h.words.plans[silverMonthly].price[inv.currency])
		inv.lines = append(inv.lines, l)
	}
}

// change moves a contract to another plan or number of seats in the middle of a
// period: the rest of the period is credited, and billed at the new price.
func (h *history) change(s *subscription, to *plan, quantity int) {
	day, end := s.next().AddDate(0, 0, 10), s.next().AddDate(0, s.plan.months(), 0)
	if !day.Before(booksClosed()) {
		return
	}
	inv := h.newInvoice(day)
	credit := line{subscription: s.id, plan: s.plan, quantity: -s.quantity, from: day, to: end, proration: true, order: 1}
	h.total(&credit, -rest(s.plan.price[inv.currency]*int64(s.quantity), day, end))
	charge := line{subscription: s.id, plan: to, quantity: quantity, from: day, to: end, proration: true, order: 2}
	h.total(&charge, rest(to.price[inv.currency]*int64(quantity), day, end))
	inv.lines = append(inv.lines, credit, charge)
	h.pay(&inv, s.periods)
	h.invoices = append(h.invoices, inv)
	s.plan, s.quantity = to, quantity
	h.addEvent(event{kind: eventUpdated, subscription: s.id, date: day, effective: day, plan: to, quantity: quantity})
}

// rest returns the share of a monthly price for the days from day to end.
func rest(price int64, day, end time.Time) int64 {
	days := int64(end.Sub(day) / (24 * time.Hour))
	return price * days / 30
}

// pay adds the transactions of an invoice, unless it has nothing to pay or is
// left unpaid. None is later than two months after the books close.
func (h *history) pay(inv *invoice, period int) {
	var total int64
	for i := range inv.lines {
		total += inv.lines[i].amount
	}
	story := h.customer.persona == refunded && period == 1
	if total <= 0 || !story && h.dice.percent(3) {
		return
	}
	day := inv.date
	if story || h.dice.percent(5) {
		h.addTransaction(inv, "payment", "failed", day)
		day = day.AddDate(0, 0, 3)
	}
	h.addTransaction(inv, "payment", "successful", day)
	if story || h.dice.percent(1) {
		h.addTransaction(inv, "refund", "successful", day.AddDate(0, 0, 5+h.dice.below(20)))
	}
}

func (h *history) addTransaction(inv *invoice, kind, result string, day time.Time) {
	t := transaction{kind: kind, result: result, date: day}
	if h.ids {
		t.id = "tr_" + inv.id[len("inv_"):] + "_" + strconv.Itoa(len(inv.payments)+1)
	}
	inv.payments = append(inv.payments, t)
}

// addEvent adds an event, with an id if the customer's events have ids.
func (h *history) addEvent(e event) {
	if e.id == "" && h.ids {
		e.id = h.eventID(len(h.events) + 1)
	}
	h.events = append(h.events, e)
}

func (h *history) eventID(n int) string {
	return "evt_" + h.customer.id[len("scus_"):] + "_" + padded(n, 2)
}
