package braintreetest

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fields are the fields of an object, by Braintree's names with underscores. A value is a text, an integer, a bool, a [time.Time], a [Date],
// Fields, a [List] or nil.
type Fields map[string]any

// Date is a day, such as 2026-01-31.
type Date string

// On is the day of a time.
func On(t time.Time) Date { return Date(t.UTC().Format(time.DateOnly)) }

// List is a list of objects, each an element of that name.
type List struct {
	Item string
	All  []Fields
}

// texts are ids.
type texts []string

// collection are objects of one kind and how many there are.
type collection struct {
	item string
	all  []Fields
}

const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// document writes an element as an answer has it.
func document(name string, v any) []byte {
	var b strings.Builder
	b.WriteString(head)
	write(&b, name, v)
	b.WriteString("\n")
	return []byte(b.String())
}

func write(b *strings.Builder, name string, v any) {
	name = strings.ReplaceAll(name, "_", "-")
	switch v := v.(type) {
	case nil:
		fmt.Fprintf(b, `<%s nil="true"/>`, name)
	case int:
		fmt.Fprintf(b, `<%s type="integer">%d</%s>`, name, v, name)
	case bool:
		fmt.Fprintf(b, `<%s type="boolean">%t</%s>`, name, v, name)
	case time.Time:
		fmt.Fprintf(b, `<%s type="datetime">%s</%s>`, name, v.UTC().Format(time.RFC3339), name)
	case Date:
		fmt.Fprintf(b, `<%s type="date">%s</%s>`, name, string(v), name)
	case string:
		fmt.Fprintf(b, `<%s>`, name)
		_ = xml.EscapeText(b, []byte(v)) // into memory
		fmt.Fprintf(b, `</%s>`, name)
	case Fields:
		fmt.Fprintf(b, `<%s>`, name)
		v.write(b)
		fmt.Fprintf(b, `</%s>`, name)
	case List:
		fmt.Fprintf(b, `<%s type="array">`, name)
		for _, item := range v.All {
			write(b, v.Item, item)
		}
		fmt.Fprintf(b, `</%s>`, name)
	case texts:
		fmt.Fprintf(b, `<%s type="array">`, name)
		for _, text := range v {
			write(b, "item", text)
		}
		fmt.Fprintf(b, `</%s>`, name)
	case collection:
		fmt.Fprintf(b, `<%s type="collection">`, name)
		write(b, "current_page_number", 1)
		write(b, "page_size", pageSize)
		write(b, "total_items", len(v.all))
		for _, item := range v.all {
			write(b, v.item, item)
		}
		fmt.Fprintf(b, `</%s>`, name)
	default:
		b.WriteString("<no-such-type>" + strconv.Quote(fmt.Sprintf("%T", v)) + "</no-such-type>")
	}
}

func (f Fields) write(b *strings.Builder) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		write(b, name, f[name])
	}
}
