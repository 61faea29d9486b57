package console

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/api/wire"
)

// eraseForm is what the page of an erase was asked for, and what its form sends.
type eraseForm struct {
	Selection  string
	Source     string // name or uuid
	ID         string
	ExternalID string
	Grace      string // a duration; empty for that of the server
	KeepEdits  string // true or false; empty for what is usual
	Forget     bool
	Reason     string
	Plan       string // the id of the plan that is confirmed
	Seen       string // the numbers of that plan, as a query
	Typed      string // the name that was typed
	Exporting  string // the export that was begun from this page
}

func eraseFormOf(v *visit) eraseForm {
	return eraseForm{
		Selection: v.FormValue("selection"), Source: v.FormValue("source"), ID: v.FormValue("id"), ExternalID: v.FormValue("external_id"),
		Grace: v.FormValue("grace"), KeepEdits: oneOf(v.FormValue("keep_edits"), "true", "false"), Forget: v.FormValue("forget") == "true",
		Reason: v.FormValue("reason"), Plan: v.FormValue("plan"), Seen: v.FormValue("seen"), Typed: v.FormValue("typed"), Exporting: v.FormValue("exporting"),
	}
}

// order is what the form asks of the API, without a plan. Its members must be the same when the plan
// is made and when it is confirmed.
func (f eraseForm) order(kind erasing) wire.Erasure {
	e := wire.Erasure{Selection: f.Selection, Source: f.Source, ID: f.ID, ExternalID: f.ExternalID, Grace: f.Grace, Forget: f.Forget && kind.AsksForget}
	if kind.AsksEdits {
		keep := kind.KeepsEdits
		if f.KeepEdits != "" {
			keep = f.KeepEdits == "true"
		}
		e.KeepEdits = &keep
	}
	return e
}

// address is the page of the same erase.
func (f eraseForm) address() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"selection": f.Selection, "source": f.Source, "id": f.ID, "external_id": f.ExternalID, "grace": f.Grace,
		"keep_edits": f.KeepEdits, "reason": f.Reason, "exporting": f.Exporting,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Forget {
		q.Set("forget", "true")
	}
	return "/erase?" + q.Encode()
}

// graceChoice is an option of how long an erase can be restored.
type graceChoice struct {
	Value, Text string
	Chosen      bool
}

// graces lists the choices. plan tells how long the server's own period is, if the form leaves it to
// the server.
func (f eraseForm) graces(plan *wire.ErasePlan) []graceChoice {
	usual := "as this server is set"
	switch {
	case plan == nil || f.Grace != "":
	case plan.Grace == 0:
		usual += ": not at all"
	default:
		usual += ": " + span(plan.Grace)
	}
	list := []graceChoice{{Text: usual}, {Value: "0s", Text: "not at all: removed at once"}}
	for _, hours := range []int{1, 24, 72, 7 * 24, 30 * 24} {
		value := strconv.Itoa(hours) + "h"
		list = append(list, graceChoice{Value: value, Text: span(float64(hours) * time.Hour.Seconds())})
	}
	known := false
	for i := range list {
		list[i].Chosen = list[i].Value == f.Grace
		known = known || list[i].Chosen
	}
	if !known {
		list = append(list, graceChoice{f.Grace, f.Grace, true})
	}
	return list
}

// isTyped reports whether a name was typed as it is. Spaces count as browsers show them.
func isTyped(typed, name string) bool {
	return strings.Join(strings.Fields(typed), " ") == strings.Join(strings.Fields(name), " ")
}
