package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// printPlan prints what a plan would do: some rows before and after, and what it would take.
func (sh *shell) printPlan(j *job.Job, samples []importer.Change) {
	if len(samples) > 0 {
		sh.printf("\nFor example:\n")
	}
	for _, c := range samples {
		where := ""
		if c.Line > 0 {
			where = fmt.Sprintf(" (%s line %d)", c.File, c.Line)
		}
		sh.printf("  %s %s %s%s\n", c.Action, strings.ReplaceAll(string(c.Dataset), "_", " "), nameOf(c), where)
		for _, line := range fieldsOf(c) {
			sh.printf("      %s\n", line)
		}
	}
	e := j.Import.Estimate
	if e == nil {
		return
	}
	if e.Changes == 0 {
		sh.printf("\nNothing would change.\n")
		return
	}
	sh.printf("\nNothing was written. Applying makes %d changes: %.0f write units and up to %.0f read units on DynamoDB, %s at the prices of %s, in about %s.\n",
		e.Changes, e.WriteUnits, e.ReadUnits, dollars(e.Dollars), e.PricesOf, about(e.Seconds))
	if j.Import.Confirm != "" {
		sh.printf("%s So it waits for your yes.\n", j.Import.Confirm)
	}
	sh.printf("To apply it: reseed apply %s\n", j.ID)
	sh.printf("All changes, one a line: reseed jobs %s --changes\n", j.ID)
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

// nameOf is how people know the record: its external id, or what it belongs to.
func nameOf(c importer.Change) string {
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

// fieldsOf lists the fields of an added row, what differs in a changed one, and nothing of a removed one.
func fieldsOf(c importer.Change) []string {
	names := map[string]bool{}
	for _, attrs := range []map[string]any{c.Before, c.After} {
		for name := range attrs {
			names[name] = !strings.HasPrefix(name, "_")
		}
	}
	var out []string
	for name, show := range names {
		before, after := show1(name, c.Before), show1(name, c.After)
		label := strings.ReplaceAll(name, "_", " ")
		switch {
		case !show, before == after, c.Action == importer.Removed:
		case c.Action == importer.Added:
			out = append(out, label+": "+after)
		default:
			out = append(out, label+": "+orNothing(before)+" → "+orNothing(after))
		}
	}
	slices.Sort(out)
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// show1 spells one value for people: times as dates, amounts in cents as they are.
func show1(name string, attrs map[string]any) string {
	v, ok := attrs[name]
	switch n, isNumber := v.(float64); {
	case !ok:
		return ""
	case isNumber && store.IsTime(name):
		return time.UnixMilli(int64(n)).UTC().Format("2006-01-02 15:04:05Z")
	case isNumber:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprint(v)
}
