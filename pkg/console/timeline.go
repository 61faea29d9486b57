package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"reseed/pkg/api/wire"
)

// perTimeline is how many entries of a timeline stand on a page.
const perTimeline = 25

// timelineView is a page of a customer's timeline.
type timelineView struct {
	Entries []entryRow
	Picture *timelinePicture // nil if there are no entries
	First   string           // address of the first page; empty on it
	Next    string           // address of the next page; empty if there is none
}

// entryRow is an invoice or an event.
type entryRow struct {
	At     time.Time
	Title  string
	Link   string // to all its fields; empty of an event
	Lines  []string
	Amount string
	States []state
}

// linesShown is how many parts of an invoice its entry names.
const linesShown = 4

func timelineOf(t *wire.Timeline, page, at string) timelineView {
	w := timelineView{Picture: timelinePictureOf(t.Entries)}
	for i := range t.Entries {
		w.Entries = append(w.Entries, entryOf(t.Customer, &t.Entries[i]))
	}
	if at != "" {
		w.First = page + "#timeline"
	}
	if t.HasMore {
		w.Next = page + "?" + url.Values{"after": {*t.Cursor}}.Encode() + "#timeline"
	}
	return w
}

func entryOf(customer string, e *wire.TimelineEntry) entryRow {
	w := entryRow{At: e.At, Title: titleOf(&e.Record), Amount: moneyText(e.Sum)}
	if e.ID != "" {
		w.Link = "/records/" + e.ID + "?of=" + customer
	} else {
		w.Lines = append(w.Lines, eventLine(&e.Record))
	}
	for i := range e.Parts[:min(len(e.Parts), linesShown)] {
		w.Lines = append(w.Lines, partLine(&e.Parts[i]))
	}
	if more := len(e.Parts) + e.MissedParts - linesShown; more > 0 {
		w.Lines = append(w.Lines, fmt.Sprintf("and %s more", number(int64(more))))
	}
	if status := e.Field("status").Value; status != "" {
		w.States = append(w.States, state{words(status), "●", ""})
	}
	if isEdited(&e.Record) {
		w.States = append(w.States, state{"edited", "✎", "warn"})
	}
	for _, m := range statesOf(&e.Record) {
		w.States = append(w.States, m.state)
	}
	return w
}

// partLine says in a line what a line item or a transaction is.
func partLine(r *wire.Record) string {
	if r.Dataset == "transactions" {
		return joined(labelOf(r.Field("type").Value), r.Field("result").Value, dateOf(r.Field("date").Value), moneyText(r.Field("amount_in_cents").Money))
	}
	period := ""
	if from, to := dateOf(r.Field("service_period_start").Value), dateOf(r.Field("service_period_end").Value); from != "" {
		period = from + " to " + to
	}
	what := r.Field("plan_external_id").Value
	if what == "" {
		what = words(r.Field("type").Value)
	}
	return joined(what, r.Field("description").Value, period, moneyText(r.Field("amount_in_cents").Money))
}

// eventLine says in a line what an event is about.
func eventLine(r *wire.Record) string {
	effective := dateOf(r.Field("effective_date").Value)
	if effective != "" {
		effective = "effective " + effective
	}
	subscription := r.Field("subscription_external_id").Value
	if subscription != "" {
		subscription = "subscription " + subscription
	}
	return joined(subscription, r.Field("plan_external_id").Value, effective)
}

// joined joins the parts that are not empty.
func joined(parts ...string) string {
	var given []string
	for _, p := range parts {
		if p != "" {
			given = append(given, p)
		}
	}
	return strings.Join(given, ", ")
}

// moment writes a time like when, but only its date if it is midnight: most dates of invoices are.
func moment(t time.Time) template.HTML {
	if t = t.UTC(); t.IsZero() || !t.Truncate(24*time.Hour).Equal(t) {
		return when(t)
	}
	date := t.Format(time.DateOnly)
	return template.HTML("<time datetime=\"" + date + "\">" + date + "</time>") //nolint:gosec // digits only
}

// dateOf is the date of a time in RFC 3339; empty if it is none.
func dateOf(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}
