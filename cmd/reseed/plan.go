package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/store"
)

// printPlan prints what a plan would do: some rows before and after, what it would cost, and how to
// apply it.
func (sh *shell) printPlan(j *wire.Job, samples []wire.Change) {
	if len(samples) > 0 {
		sh.printf("\nFor example:\n")
	}
	for _, c := range samples {
		sh.printSample(c)
	}
	e := j.Import.Estimate
	if e == nil {
		return
	}
	switch {
	case e.Changes == 0 && j.Import.Confirm == "":
		sh.printf("\nNothing would change.\n")
		return
	case e.Changes == 0:
		sh.printf("\nNothing would change. %s So it waits for your yes.\nTo end it: %s\n", j.Import.Confirm, sh.again("apply %s", j.ID))
		return
	}
	sh.printf("\nNothing is written yet. Applying makes %s: %.0f write units and about %.0f read units on DynamoDB, %s at the prices of %s, in about %s.\n",
		numberOf(e.Changes, "change"), e.WriteUnits, e.ReadUnits, dollars(e.Dollars), e.PricesOf, about(e.Seconds))
	if j.Import.Confirm != "" {
		sh.printf("%s So it waits for your yes.\n", j.Import.Confirm)
	}
	sh.printf("To apply it: %s\n", sh.again("apply %s", j.ID))
	sh.printf("All changes, one a line: %s\n", sh.again("jobs %s --changes", j.ID))
}

// printSample prints one change: one line for an added or removed row; for a changed row a line
// more for each field that differs.
func (sh *shell) printSample(c wire.Change) {
	sh.printf("  %s %s %s", c.Action, singular(c.Dataset), nameOf(c))
	if c.Line > 0 {
		sh.printf(" (%s)", placeOf(c.Place, c.File, c.Line))
	}
	fields := fieldsOf(c)
	if c.Action == wire.Changed {
		sh.printf("\n")
		for _, f := range fields {
			sh.printf("      %s\n", f)
		}
		return
	}
	sh.printf(": %s\n", strings.Join(fields, ", "))
}

// singular is the name of a dataset for one row of it, e.g. line item.
func singular(dataset string) string {
	return strings.TrimSuffix(strings.ReplaceAll(dataset, "_", " "), "s")
}

func numberOf(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func dollars(n float64) string {
	if n > 0 && n < 0.0001 {
		return "less than $0.0001"
	}
	return fmt.Sprintf("$%.4f", n)
}

func about(seconds float64) string {
	if seconds < 1 {
		return "a second"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// nameOf is what people call the record: its external id, or what it belongs to. Of an edit it is the
// record that was edited.
func nameOf(c wire.Change) string {
	if c.Record != "" {
		return "of " + c.Record
	}
	attrs := c.After
	if attrs == nil {
		attrs = c.Before
	}
	for _, name := range []string{"external_id", "name", "invoice", "subscription", "customer"} {
		if v, ok := attrs[name]; ok {
			return fmt.Sprint(v)
		}
	}
	return ""
}

// fieldsOf lists the fields of a row that is added or removed, and what differs in a changed one.
func fieldsOf(c wire.Change) []string {
	names := map[string]bool{}
	for _, attrs := range []map[string]any{c.Before, c.After} {
		for name := range attrs {
			names[name] = !strings.HasPrefix(name, "_") && name != "external_id" // nameOf shows that
		}
	}
	var out []string
	for name, show := range names {
		before, after := spelled(name, c.Before), spelled(name, c.After)
		label := strings.ReplaceAll(name, "_", " ")
		switch {
		case !show, c.Action == wire.Kept && isMark(name):
		case c.Action == wire.Kept && before == after:
			out = append(out, label+" "+before)
		case c.Action == wire.Kept:
			out = append(out, label+" "+orNothing(before)+" stays and "+orNothing(after)+" is left out")
		case before == after:
		case c.Action == wire.Changed:
			out = append(out, label+": "+orNothing(before)+" → "+orNothing(after))
		default:
			out = append(out, label+" "+before+after) // one of them is empty
		}
	}
	slices.Sort(out)
	return out
}

// inspectedEdit is what the names of attributes of an edit begin with where a record is shown with it.
const inspectedEdit = "edit "

// isTime tells whether an attribute is a time, in milliseconds of Unix time: of an edit also when it
// was made, and the value of a field that is a time.
func isTime(name string, attrs map[string]any) bool {
	if name = strings.TrimPrefix(name, inspectedEdit); name == "value" {
		field, _ := cmp.Or(attrs["field"], attrs[inspectedEdit+"field"]).(string)
		return store.IsTime(field)
	}
	return store.IsTime(name) || name == attrAt
}

// isMark tells whether an attribute of an edit says who made it, or when.
func isMark(name string) bool { return name == "by" || name == attrAt }

// attrAt is when an edit was made, in milliseconds of Unix time.
const attrAt = "at"

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// spelled is one value as people read it: times as dates, amounts in cents.
func spelled(name string, attrs map[string]any) string {
	v, ok := attrs[name]
	switch n, isNumber := v.(float64); {
	case !ok:
		return ""
	case isNumber && isTime(name, attrs):
		return strings.TrimSuffix(time.UnixMilli(int64(n)).UTC().Format("2006-01-02 15:04:05Z"), " 00:00:00Z")
	case isNumber:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprint(v)
}
