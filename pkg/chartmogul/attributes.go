package chartmogul

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"reseed/pkg/edit"
	"reseed/pkg/records"
)

// textCustom is what custom attributes of the wrong shape are answered with.
const textCustom = "must be a list of objects with type, key and value"

type tagsWire struct {
	Tags []string `json:"tags"`
}

type customWire struct {
	Custom map[string]any `json:"custom"`
}

// getAttributes is GET /customers/:uuid/attributes: top level, without an envelope.
func getAttributes(c *call) (reply, error) {
	_, row, err := c.Records.Customer(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: attributesOf(row.Group)}, nil
}

// edited reads the request's body and its customer, and makes what change makes of the two.
func (c *call) edited(member string, change func(*fields, edit.Group) []records.CustomerEdit) (edit.Group, error) {
	f, err := c.body()
	if err != nil {
		return nil, err
	}
	if err := f.require(member); err != nil {
		return nil, err
	}
	cu, err := c.Records.EditCustomer(c.Context(), c.PathValue("uuid"), func(_ records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		return change(f, cu.Group), f.refused()
	})
	return cu.Group, err
}

func tagsReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: tagsWire{tagsOf(g.Tags())}}, err
}

func customReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: customWire{edit.Custom(g.Attributes())}}, err
}

// addTags is POST /customers/:uuid/attributes/tags.
func addTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.AddTags(g[0], c.author, f.texts("tags", edit.MaxTags))}
	}))
}

// removeTags is DELETE /customers/:uuid/attributes/tags.
func removeTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) []records.CustomerEdit {
		return records.RemoveTags(g, c.author, f.texts("tags", edit.MaxTags))
	}))
}

// addCustom is POST /customers/:uuid/attributes/custom: a list, each with its type.
func addCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.SetCustom(g[0], c.author, readCustomList(f, "custom"))}
	}))
}

// setCustom is PUT /customers/:uuid/attributes/custom: a map without types.
func setCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.PutCustom(g, c.author, readCustomMap(f, "custom"))}
	}))
}

// removeCustom is DELETE /customers/:uuid/attributes/custom: a list of keys. It answers with
// a body, since Go's and PHP's clients decode one.
func removeCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []records.CustomerEdit {
		return records.RemoveCustom(g, c.author, f.texts("custom", edit.MaxAttributes))
	}))
}

// readCustomList reads [{type, key, value, source}, …].
func readCustomList(f *fields, name string) map[string]edit.Value {
	out := map[string]edit.Value{}
	for _, raw := range f.list(name, edit.MaxAttributes) {
		o, ok := parseFields(raw, f.prefix+name+".", f.errs)
		if !ok {
			f.fail(name, textCustom)
			return nil
		}
		typ, err := edit.ParseType(o.text("type"))
		o.complain("type", err)
		v, err := edit.NewValue(typ, jsonValue(o.raw["value"]), o.text("source"))
		if typ != "" {
			o.complain("value", err)
		}
		out[o.needed("key")] = v
	}
	return out
}

// readCustomMap reads {key: value, …} or {key: {value, source}, …}.
func readCustomMap(f *fields, name string) map[string]edit.Untyped {
	out := map[string]edit.Untyped{}
	o := f.object(name)
	if o == nil {
		f.fail(name, "must be an object")
		return nil
	}
	if len(o.raw) > edit.MaxAttributes {
		f.fail(name, fmt.Sprintf(textTooMany, edit.MaxAttributes))
		return nil
	}
	for key, raw := range o.raw {
		if in, ok := parseFields(raw, o.prefix+key+".", f.errs); ok {
			out[key] = edit.Untyped{Value: jsonValue(in.raw["value"]), Source: in.text("source")}
			continue
		}
		out[key] = edit.Untyped{Value: jsonValue(raw)}
	}
	return out
}

// complain notes an error of the domain about a member.
func (f *fields) complain(name string, err error) {
	if err != nil {
		f.checked(name, "", err)
	}
}

// jsonValue decodes a JSON value, its numbers as they are written.
func jsonValue(raw []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// byEmail does the same to every customer of an e-mail address and answers with all of them. If there are so many that it takes
// several transactions, and it is cut between them, the same once more completes it.
func (c *call) byEmail(member string, read func(*fields), change func(*edit.Member) records.CustomerEdit) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("email", member); err != nil {
		return reply{}, err
	}
	email := f.needed("email")
	read(f)
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	var page []shown
	err = c.Records.EditCustomers(c.Context(), func() (a records.Account, list []records.CustomerEdit, err error) {
		if a, err = c.Records.Account(c.Context()); err != nil {
			return a, nil, err
		}
		if page, err = c.customersByEmail(a, email, paging{size: maxPage}); err != nil {
			return a, nil, err
		}
		switch {
		case len(page) > maxPage:
			return a, nil, refused(map[string]string{"email": fmt.Sprintf(textTooManyOwners, maxPage)})
		case len(page) == 0:
			return a, nil, nobody(email)
		}
		for _, s := range page {
			list = append(list, change(s.group[0]))
		}
		return a, list, nil
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: listed{name: "entries", elements: c.entries(page, &paged{})}}, nil
}

// addTagsByEmail is POST /customers/attributes/tags.
func addTagsByEmail(c *call) (reply, error) {
	var tags []string
	return c.byEmail("tags", func(f *fields) {
		tags = f.texts("tags", edit.MaxTags)
	}, func(m *edit.Member) records.CustomerEdit { return records.AddTags(m, c.author, tags) })
}

// addCustomByEmail is POST /customers/attributes/custom.
func addCustomByEmail(c *call) (reply, error) {
	var values map[string]edit.Value
	return c.byEmail("custom", func(f *fields) {
		values = readCustomList(f, "custom")
	}, func(m *edit.Member) records.CustomerEdit { return records.SetCustom(m, c.author, values) })
}
