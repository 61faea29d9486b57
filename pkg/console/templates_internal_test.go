package console

import (
	"strings"
	"testing"

	"github.com/jba/templatecheck"
)

// pageTypes are the structs of all pages.
var pageTypes = map[string]any{
	"activity":       activityPage{},
	"add":            addPage{},
	"changes":        changesPage{},
	"customer":       customerPage{},
	"customeredit":   editCustomerPage{},
	"customermerge":  mergeCustomerPage{},
	"customers":      customersPage{},
	"edits":          editsPage{},
	"erase":          erasePage{},
	"export":         exportPage{},
	"import":         importPage{},
	"imports":        importsPage{},
	"job":            jobPage{},
	"jobedits":       jobEditsPage{},
	"keys":           keysPage{},
	"newcustomer":    newCustomerPage{},
	"newsource":      newSourcePage{},
	"newsystem":      newSystemPage{},
	"problem":        problemPage{},
	"receipt":        receiptPage{},
	"receipts":       receiptsPage{},
	"record":         recordPage{},
	"rejects":        rejectsPage{},
	"remaining":      remainingPage{},
	"removekey":      removeKeyPage{},
	"rows":           rowsPage{},
	"sendapi":        apiPage{},
	"settings":       settingsPage{},
	"sheet":          sheetPage{},
	"signin":         signInPage{},
	"sources":        sourcesPage{},
	"sourcesettings": sourceSettingsPage{},
	"upload":         uploadPage{},
}

// Every template fits the struct of its page: a field that it names is there.
func TestTemplatesFitTheirPages(t *testing.T) {
	t.Parallel()
	p := newPages(loadAssets())
	files, err := web.ReadDir("web/pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		data, ok := pageTypes[name]
		if !ok {
			t.Errorf("%s: add its struct to pageTypes", f.Name())
			continue
		}
		page, err := p.page(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := templatecheck.CheckHTML(page.Lookup("layout"), data); err != nil {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
}
