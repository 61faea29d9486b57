package company

import (
	"strconv"
	"time"
)

// persona is the story of a customer. Each occurs once in every twelve.
type persona int

const (
	steady        persona = iota // monthly, nothing happens
	yearly                       // pays once a year, with a discount
	halfYearly                   // pays twice a year
	upgrading                    // changes to a more expensive plan within a period
	refunded                     // has a payment that fails, succeeds and is refunded
	onboarded                    // buys two services that differ in their description only
	churned                      // cancels
	prospect                     // has only a scheduled start, in the future
	wavering                     // schedules a cancellation and withdraws it without naming its event
	growing                      // adds seats within a period
	multiPart                    // has two subscriptions in one set
	returning                    // withdraws a cancellation by the id of its event, cancels later, comes back
	personas      = int(returning) + 1
	historyLength = 6 // months that the longest story needs, at least
)

// customer is what a customer's row and history are made from.
type customer struct {
	number      int
	id          string
	first, last name
	email       string // empty for some
	company     string
	place       *place
	lead, trial time.Time // trial is zero for some
	start       time.Time // first invoice; a prospect has no invoices
	persona     persona
}

// booksClosed is when the books close. All invoices are earlier.
func booksClosed() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// future is the effective date of events that are scheduled and have not happened.
func future() time.Time { return time.Date(2031, 3, 31, 0, 0, 0, 0, time.UTC) }

// profile invents customer number n, from the seed and n alone.
func (g *generator) profile(n int) customer {
	d := throw(g.Seed, topicProfile, n)
	c := customer{number: n, id: "scus_" + padded(n+1, 6), persona: g.persona(n)}
	c.place = &g.words.places[d.below(len(g.words.places))]
	c.first, c.last = pick(&d, c.place.people.first), pick(&d, c.place.people.last)
	c.company = g.companyName(&d, n, c.last.text)
	c.email = c.address(&d)
	c.start = g.startDate(&d, c.persona)
	c.lead = c.start.AddDate(0, 0, -15-d.below(60)).Add(timeOfDay(&d))
	if d.percent(60) {
		c.trial = c.start.AddDate(0, 0, -14).Add(timeOfDay(&d))
	}
	return c
}

// persona returns the persona of customer number n. In each block of twelve
// customers every persona occurs once, in an order of its own.
func (g *generator) persona(n int) persona {
	d := throw(g.Seed, topicPersona, n/personas)
	var deck [personas]persona
	for i := range deck {
		j := d.below(i + 1)
		deck[i] = deck[j]
		deck[j] = persona(i)
	}
	return deck[n%personas]
}

// companyName invents a company's name. Of any twelve customers, two have names
// that must be quoted in CSV.
func (g *generator) companyName(d *dice, n int, last string) string {
	switch n % personas {
	case 2:
		return last + ", Lind & Partners"
	case 9:
		return `The "` + pick(d, g.words.adjectives) + `" ` + pick(d, g.words.trades)
	}
	return pick(d, g.words.adjectives) + " " + pick(d, g.words.trades) + pick(d, g.words.suffixes)
}

// address invents the customer's e-mail address; one customer in 25 has none. It
// holds the customer's number, so addresses differ. [generator.email] makes one
// customer in forty share an address.
func (c *customer) address(d *dice) string {
	if c.number%25 == 11 {
		return ""
	}
	domain := "@example.com"
	if d.percent(30) {
		domain = "@example.org"
	}
	return c.first.ascii + "." + c.last.ascii + strconv.Itoa(c.number+1) + domain
}

// email returns the address that is written. One customer in forty has the
// address of the customer before it, like two firms of one owner.
func (g *generator) email(c *customer) string {
	if c.number%40 == 10 {
		return g.profileEmail(c.number - 1)
	}
	return c.email
}

func (g *generator) profileEmail(n int) string {
	c := g.profile(n)
	return c.email
}

// startDate draws the day of the first invoice: at most the 28th, a day that
// every month has, and early enough for the persona's story. A yearly plan starts
// in the first half of a year, so that no service period ends after June 2026.
func (g *generator) startDate(d *dice, p persona) time.Time {
	first := booksClosed().AddDate(0, -g.Months, 0)
	start := first.AddDate(0, d.below(g.Months-historyLength), d.below(28))
	if p != yearly || start.Month() <= time.June {
		return start
	}
	if start.Before(first.AddDate(0, historyLength, 0)) {
		return start.AddDate(0, 6, 0)
	}
	return start.AddDate(0, -6, 0)
}

// fillZip puts digits and letters into the place's pattern.
func (p *place) fillZip(d *dice) string {
	b := []byte(p.zip)
	for i, c := range b {
		switch c {
		case '#':
			b[i] = "0123456789"[d.below(10)]
		case '@':
			b[i] = "ABCDEFGHJKLMNPRSTUWXYZ"[d.below(22)]
		}
	}
	return string(b)
}

func timeOfDay(d *dice) time.Duration { return time.Duration(d.below(86400)) * time.Second }

// dateForm is one of the spellings of a moment that Reseed accepts.
type dateForm int

const (
	dayForm dateForm = iota
	utcForm
	isoForm
	offsetForm
	zonelessForm
	dateForms = int(zonelessForm) + 1
)

// format writes t (UTC) in this form; the zero time is blank. All forms but
// dayForm hold the time to the second.
func (f dateForm) format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	switch f {
	case utcForm:
		return t.Format("2006-01-02 15:04:05 UTC")
	case isoForm:
		return t.Format("2006-01-02T15:04:05Z")
	case offsetForm:
		return t.Add(2*time.Hour).Format("2006-01-02T15:04:05") + "+02:00"
	case zonelessForm:
		return t.Format(time.DateTime)
	case dayForm:
	}
	return t.Format(time.DateOnly)
}

// padded writes n in decimal, with leading zeros up to width.
func padded(n, width int) string {
	var buf [20]byte
	i := len(buf)
	for n > 0 || len(buf)-i < width {
		i--
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return string(buf[i:])
}
