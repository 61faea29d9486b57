package remote

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// blank is what may stand before a document.
const blank = " \t\r\n\ufeff"

// isMarkup reports whether a body is XML or HTML.
func isMarkup(body []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(body, blank), []byte("<")) }

// isWebPage reports whether a body is HTML.
func isWebPage(body []byte) bool {
	begin := bytes.TrimLeft(body, blank)
	begin = bytes.ToLower(begin[:min(len(begin), len("<!doctype html"))])
	return bytes.HasPrefix(begin, []byte("<!doctype html")) || bytes.HasPrefix(begin, []byte("<html>")) || bytes.HasPrefix(begin, []byte("<html "))
}

// isJSON reports whether a body is a JSON document.
func isJSON(body []byte) bool {
	return jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// wholeXML reports whether a body begins and ends with the same element. What is between is left to who decodes it.
func wholeXML(body []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if root, ok := token.(xml.StartElement); ok {
			rest := strings.TrimRight(string(body[max(0, len(body)-256):]), blank)
			return strings.HasSuffix(rest, "</"+root.Name.Local+">") || int(d.InputOffset()) == len(bytes.TrimRight(body, blank))
		}
	}
}
