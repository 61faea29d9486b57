package console

// base is what every page has.
type base struct {
	Title   string
	Section string // of the navigation: sources, customers, jobs, receipts, keys or settings
	Signed  bool
	Theme   string // light, dark, or empty for that of the system
	Paused  bool   // parts of pages do not update themselves
	Path    string // of this page, to come back to
}

// base makes what every page has.
func (v *visit) base(title, section string) base {
	return base{
		Title: title, Section: section, Signed: v.c.token(v.Request) != "", Theme: v.choice(themeCookie, "light", "dark"), Paused: v.choice(pausedCookie, "yes") != "",
		Path: v.URL.RequestURI(),
	}
}

// Cookies that hold what somebody chose for one browser.
const (
	themeCookie  = "reseed-theme"
	pausedCookie = "reseed-paused"
)

// choice is the value of such a cookie, if it is one of the words.
func (v *visit) choice(name string, words ...string) string {
	cookie, err := v.Cookie(name)
	if err != nil {
		return ""
	}
	return oneOf(cookie.Value, words...)
}

func oneOf(word string, words ...string) string {
	for _, w := range words {
		if w == word {
			return w
		}
	}
	return ""
}

// choose is POST /choices: theme is light, dark or system, paused is yes or no.
func (c *Console) choose(v *visit) (answer, error) {
	v.keep(themeCookie, v.PostFormValue("theme"), "light", "dark")
	v.keep(pausedCookie, v.PostFormValue("paused"), "yes")
	return goTo(localPath(v.PostFormValue("to"))), nil
}

// keep sets such a cookie, or removes it if the word is another one. No word changes nothing.
func (v *visit) keep(name, word string, words ...string) {
	if word == "" {
		return
	}
	value, age := oneOf(word, words...), 365*24*3600
	if value == "" {
		age = -1
	}
	v.setCookie(name, value, age)
}
