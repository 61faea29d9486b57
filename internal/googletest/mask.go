package googletest

import (
	"net/http"
	"strings"
)

// mask is what the parameter "fields" lets through: fields by name, and what of each. An empty mask
// lets everything through.
type mask map[string]mask

// masked leaves of an answer what the parameter "fields" asks for. A field that does not exist is not
// noticed here: the check against the discovery documents does that.
func masked(body any, fields string) (any, *Failure) {
	if fields == "" || fields == "*" {
		return body, nil
	}
	m, rest := parseMask(fields)
	if rest != "" {
		return nil, &Failure{Status: http.StatusBadRequest, Message: "Invalid field selection " + fields}
	}
	return m.of(body), nil
}

// parseMask reads a,b(c,d),e/f up to a closing bracket or the end.
func parseMask(text string) (m mask, rest string) {
	m = mask{}
	for text != "" && text[0] != ')' {
		end := strings.IndexAny(text, ",()/")
		if end < 0 {
			end = len(text)
		}
		name := text[:end]
		text = text[end:]
		into := mask{}
		m[name] = into
		switch {
		case strings.HasPrefix(text, "("):
			m[name], text = parseMask(text[1:])
			text = strings.TrimPrefix(text, ")")
		case strings.HasPrefix(text, "/"):
			var one string
			if end := strings.IndexAny(text, ",)"); end >= 0 {
				one, text = text[1:end], text[end:]
			} else {
				one, text = text[1:], ""
			}
			m[name], _ = parseMask(one)
		}
		text = strings.TrimPrefix(text, ",")
	}
	return m, text
}

func (m mask) of(v any) any {
	if len(m) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range m {
			if got, ok := v[name]; ok {
				out[name] = inner.of(got)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.of(v[i])
		}
		return out
	}
	return v
}
