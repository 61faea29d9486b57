package console

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
)

const (
	tabEdits    = "edits"
	editsOnPage = 50
)

type editsPage struct {
	sourceHead
	Edits []sourceEdit
	First string
	Next  string
}

// sourceEdit is what people have done to a record.
type sourceEdit struct {
	wire.Edit
	To   string   // the record's page; empty if it has none
	Did  []string // in words
	When time.Time
}

// listEdits is GET /sources/{id}/edits.
func (c *Console) listEdits(v *visit) (answer, error) {
	head, err := v.sourceHead(tabEdits)
	if err != nil {
		return answer{}, err
	}
	p, cursor := editsPage{sourceHead: head}, v.FormValue("cursor")
	page, err := v.client.EditPage(v.ctx(), head.Source.UUID, cursor, editsOnPage)
	if err != nil {
		return answer{}, err
	}
	for _, e := range page.Edits {
		p.Edits = append(p.Edits, editOf(e))
	}
	if cursor != "" {
		p.First = p.To(tabEdits)
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = p.To(tabEdits) + "?cursor=" + url.QueryEscape(*page.Cursor)
	}
	return show("edits", p), nil
}

func editOf(e wire.Edit) sourceEdit {
	s := sourceEdit{Edit: e, To: pageOfRecord(e.ID)}
	if e.Orphaned { // its record has no page
		s.To = ""
	}
	if e.ChangedAt != nil {
		s.When = *e.ChangedAt
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		s.Did = append(s.Did, fmt.Sprintf("%s: %s", labelOf(name), said(e.Fields[name].Value)))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		s.Did = append(s.Did, fmt.Sprintf("%s: %s", name, said(e.Attributes[name])))
	}
	if len(e.Tags) > 0 {
		s.Did = append(s.Did, "Tags: "+strings.Join(e.Tags, ", "))
	}
	if e.Disabled != nil {
		s.Did = append(s.Did, "disabled")
	}
	if e.Deleted != nil {
		s.Did = append(s.Did, "deleted by hand")
	}
	if e.MergedInto != nil {
		s.Did = append(s.Did, "merged into "+*e.MergedInto)
	}
	if len(e.MergedFrom) > 0 {
		s.Did = append(s.Did, "has "+count(int64(len(e.MergedFrom)), "customer", "customers")+" merged into it")
	}
	return s
}

// said writes a value that people have given.
func said(value any) string {
	if value == nil {
		return "emptied"
	}
	return fmt.Sprint(value)
}

// pageOfRecord is the address of a record's page; empty if records of its kind have none.
func pageOfRecord(id string) string {
	switch kind, _, _ := strings.Cut(id, "_"); kind {
	case "cus":
		return "/customers/" + url.PathEscape(id)
	case "inv", "pl":
		return "/records/" + url.PathEscape(id)
	}
	return ""
}
