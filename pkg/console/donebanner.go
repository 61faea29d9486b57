package console

import (
	"net/url"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
)

// doneBanner says what was just done, with a form that takes it back. It is made from the address of the
// page (did, and what it was done to), so it stays while that page is open; and it is there only as
// long as what it says is still so.
type doneBanner struct {
	Text   string
	Action string // of the form; empty if there is none
	Label  string // of its button
	Inputs []hiddenInput
}

type hiddenInput struct{ Name, Value string }

// done is the address of a page after something was done there.
func done(page, did string, inputs ...hiddenInput) answer {
	q := url.Values{"did": {did}}
	for _, in := range inputs {
		q.Add(in.Name, in.Value)
	}
	mark := "?"
	if strings.Contains(page, "?") {
		mark = "&"
	}
	return goTo(page + mark + q.Encode())
}

// bannerOf makes the banner of a customer's page; nil if nothing was done, or it is not so any more.
func (p *customerPage) bannerOf(q url.Values) *doneBanner {
	switch did := q.Get("did"); did {
	case "merged", "unmerged":
		return p.mergeBanner(did, q.Get("part"))
	case "edited", "reverted":
		return editBanner(p.Root, "/customers/"+p.ID, did, q)
	case "tagged", "untagged":
		return p.tagBanner(did, q.Get("tag"))
	}
	return nil
}

func (p *customerPage) mergeBanner(did, part string) *doneBanner {
	at := slices.IndexFunc(p.Members, func(m memberRow) bool { return m.ID == part && part != p.ID })
	switch {
	case did == "merged" && at >= 0:
		return &doneBanner{
			Text: p.Members[at].Name() + " is part of this customer now. Nothing that was imported has changed.", Action: "/customers/" + p.ID + "/unmerge", Label: "Unmerge",
			Inputs: []hiddenInput{{"part", part}},
		}
	case did == "unmerged" && at < 0 && strings.HasPrefix(part, "cus_"):
		return &doneBanner{
			Text: "The two are separate customers again.", Action: "/customers/" + url.PathEscape(part) + "/merge", Label: "Merge again",
			Inputs: []hiddenInput{{"into", p.ID}},
		}
	}
	return nil
}

func (p *customerPage) tagBanner(did, tag string) *doneBanner {
	has := slices.Contains(p.Tags, tag)
	switch {
	case did == "tagged" && has:
		return &doneBanner{Text: "The tag " + tag + " was added.", Action: "/customers/" + p.ID + "/tags/remove", Label: "Remove it again", Inputs: []hiddenInput{{"tag", tag}}}
	case did == "untagged" && !has && tag != "":
		return &doneBanner{Text: "The tag " + tag + " was removed.", Action: "/customers/" + p.ID + "/tags", Label: "Add it again", Inputs: []hiddenInput{{"tag", tag}}}
	}
	return nil
}

// editBanner is the banner after fields of a record were edited, or an edit was reverted.
func editBanner(r recordView, page, did string, q url.Values) *doneBanner {
	edited := func(name string) bool {
		return slices.ContainsFunc(r.Fields, func(f wire.RecordField) bool { return f.Edit != nil && f.Edit.Name == name })
	}
	names := slices.DeleteFunc(slices.Clone(q["field"]), func(name string) bool { return edited(name) != (did == "edited") })
	if len(names) == 0 {
		return nil
	}
	if did == "edited" {
		b := &doneBanner{Text: fieldLabels(names) + ": changed by hand. Imports do not touch this.", Action: "/edits/" + r.ID + "/revert", Label: "Revert", Inputs: []hiddenInput{{"back", page}}}
		for _, name := range names {
			b.Inputs = append(b.Inputs, hiddenInput{"field", name})
		}
		return b
	}
	b := &doneBanner{Text: fieldLabels(names) + ": as it was imported again."}
	if value := q.Get("value"); r.Dataset == "customers" && len(names) == 1 && q.Has("value") {
		b.Action, b.Label, b.Inputs = page+"/edit", "Edit again", []hiddenInput{{names[0], value}}
	}
	return b
}

// fieldLabels writes names of fields for people.
func fieldLabels(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, labelOf(name))
	}
	return strings.Join(out, ", ")
}
