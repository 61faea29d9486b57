package chartmogul

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// textCustom is the error about custom attributes of the wrong shape.
const textCustom = "must be a list of objects with type, key and value"

const textTooManyOwners = "belongs to more than %d customers; name them one by one"

type tagsWire struct {
	Tags []string `json:"tags"`
}

type customWire struct {
	Custom map[string]any `json:"custom"`
}

// getAttributes is GET /customers/:uuid/attributes: top level, without an envelope.
func getAttributes(c *call) (httpapi.Reply, error) {
	_, row, err := c.Records.Customer(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: attributesOf(row.Group)}, nil
}

// edited reads the request's body and its customer, and makes the edits that change returns for
// them.
func (c *call) edited(member string, change func(*httpapi.Fields, edit.Group) []records.CustomerEdit) (edit.Group, error) {
	f, err := c.Fields()
	if err != nil {
		return nil, err
	}
	if err := f.Require(member); err != nil {
		return nil, err
	}
	cu, err := c.Records.EditCustomer(c.Context(), c.PathValue("uuid"), func(_ records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		return change(f, cu.Group), f.Refused()
	})
	return cu.Group, err
}

func tagsReply(g edit.Group, err error) (httpapi.Reply, error) {
	return httpapi.Reply{Status: http.StatusOK, Body: tagsWire{tagsOf(g.Tags())}}, err
}

func customReply(g edit.Group, err error) (httpapi.Reply, error) {
	return httpapi.Reply{Status: http.StatusOK, Body: customWire{edit.Custom(g.Attributes())}}, err
}

// addTags is POST /customers/:uuid/attributes/tags.
func addTags(c *call) (httpapi.Reply, error) {
	return tagsReply(c.edited("tags", func(f *httpapi.Fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.AddTags(g[0], c.Author, f.Texts("tags", edit.MaxTags))}
	}))
}

// removeTags is DELETE /customers/:uuid/attributes/tags.
func removeTags(c *call) (httpapi.Reply, error) {
	return tagsReply(c.edited("tags", func(f *httpapi.Fields, g edit.Group) []records.CustomerEdit {
		return records.RemoveTags(g, c.Author, f.Texts("tags", edit.MaxTags))
	}))
}

// addCustom is POST /customers/:uuid/attributes/custom: a list, each with its type.
func addCustom(c *call) (httpapi.Reply, error) {
	return customReply(c.edited("custom", func(f *httpapi.Fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.SetCustom(g[0], c.Author, readCustomList(f, "custom"))}
	}))
}

// setCustom is PUT /customers/:uuid/attributes/custom: a map without types.
func setCustom(c *call) (httpapi.Reply, error) {
	return customReply(c.edited("custom", func(f *httpapi.Fields, g edit.Group) []records.CustomerEdit {
		return []records.CustomerEdit{records.PutCustom(g, c.Author, readCustomMap(f, "custom"))}
	}))
}

// removeCustom is DELETE /customers/:uuid/attributes/custom: a list of keys. It answers with
// a body, since Go's and PHP's clients decode one.
func removeCustom(c *call) (httpapi.Reply, error) {
	return customReply(c.edited("custom", func(f *httpapi.Fields, g edit.Group) []records.CustomerEdit {
		return records.RemoveCustom(g, c.Author, f.Texts("custom", edit.MaxAttributes))
	}))
}

// readCustomList reads [{type, key, value, source}, …].
func readCustomList(f *httpapi.Fields, name string) map[string]edit.Value {
	out := map[string]edit.Value{}
	for _, raw := range f.List(name, edit.MaxAttributes) {
		o, ok := httpapi.ParseFields(raw, f.Prefix+name+".", f.Errs)
		if !ok {
			f.Fail(name, textCustom)
			return nil
		}
		typ, err := edit.ParseType(o.Text("type"))
		complain(o, "type", err)
		v, err := edit.NewValue(typ, jsonValue(o.Raw["value"]), o.Text("source"))
		if typ != "" {
			complain(o, "value", err)
		}
		out[o.Needed("key")] = v
	}
	return out
}

// readCustomMap reads {key: value, …} or {key: {value, source}, …}.
func readCustomMap(f *httpapi.Fields, name string) map[string]edit.Untyped {
	out := map[string]edit.Untyped{}
	o := f.Object(name)
	if o == nil {
		f.Fail(name, "must be an object")
		return nil
	}
	if len(o.Raw) > edit.MaxAttributes {
		f.Fail(name, fmt.Sprintf(httpapi.TextTooMany, edit.MaxAttributes))
		return nil
	}
	for key, raw := range o.Raw {
		if in, ok := httpapi.ParseFields(raw, o.Prefix+key+".", f.Errs); ok {
			out[key] = edit.Untyped{Value: jsonValue(in.Raw["value"]), Source: in.Text("source")}
			continue
		}
		out[key] = edit.Untyped{Value: jsonValue(raw)}
	}
	return out
}

// complain notes what a rule of the domain says about a member.
func complain(f *httpapi.Fields, name string, err error) {
	if err != nil {
		f.Checked(name, "", err)
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

// byEmail makes the same edit of every customer with an e-mail address, and answers with all of
// them. Many customers take several transactions; if only some of those are written, the same
// request again completes the rest.
func (c *call) byEmail(member string, read func(*httpapi.Fields), change func(*edit.Member) records.CustomerEdit) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("email", member); err != nil {
		return httpapi.Reply{}, err
	}
	email := f.Needed("email")
	read(f)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	var page []shown
	err = c.Records.EditCustomers(c.Context(), func() (a records.Account, list []records.CustomerEdit, err error) {
		if a, err = c.Records.Account(c.Context()); err != nil {
			return a, nil, err
		}
		if page, err = c.customersByEmail(a, email, paging{size: httpapi.MaxPage}); err != nil {
			return a, nil, err
		}
		switch {
		case len(page) > httpapi.MaxPage:
			return a, nil, httpapi.Refused(map[string]string{"email": fmt.Sprintf(textTooManyOwners, httpapi.MaxPage)})
		case len(page) == 0:
			return a, nil, nobody(email)
		}
		for _, s := range page {
			list = append(list, change(s.group[0]))
		}
		return a, list, nil
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "entries", Elements: c.entries(page, &httpapi.Paged{})}}, nil
}

// addTagsByEmail is POST /customers/attributes/tags.
func addTagsByEmail(c *call) (httpapi.Reply, error) {
	var tags []string
	return c.byEmail("tags", func(f *httpapi.Fields) {
		tags = f.Texts("tags", edit.MaxTags)
	}, func(m *edit.Member) records.CustomerEdit { return records.AddTags(m, c.Author, tags) })
}

// addCustomByEmail is POST /customers/attributes/custom.
func addCustomByEmail(c *call) (httpapi.Reply, error) {
	var values map[string]edit.Value
	return c.byEmail("custom", func(f *httpapi.Fields) {
		values = readCustomList(f, "custom")
	}, func(m *edit.Member) records.CustomerEdit { return records.SetCustom(m, c.Author, values) })
}
