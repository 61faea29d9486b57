package console

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

var errSignedOut = errors.New("not signed in")

// The cookie holds the token of a session. Browsers take the name with the prefix only over HTTPS;
// on this machine there is none.
const (
	secureCookie = "__Host-reseed"
	localCookie  = "reseed"
)

// isSecure reports whether the browser speaks HTTPS, also to a proxy that speaks plain HTTP to us. A
// client that lies about that gets a cookie that its browser does not send back.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// isLocal reports whether the browser is on this machine.
func isLocal(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func cookieName(r *http.Request) string {
	if isSecure(r) {
		return secureCookie
	}
	return localCookie
}

// token is the token of a request's session; empty if there is none.
func (c *Console) token(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// setCookie sets a cookie for so many seconds; fewer than 0 removes it.
func (v *visit) setCookie(name, value string, seconds int) {
	http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // on this machine there is no HTTPS
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: isSecure(v.Request), SameSite: http.SameSiteLaxMode, MaxAge: seconds,
	})
}

// signedOut sends people who are not signed in to the page where they can do that, and from there
// back to where they wanted to go.
func (v *visit) signedOut() answer {
	v.setCookie(cookieName(v.Request), "", -1)
	q := url.Values{}
	if v.Method == http.MethodGet && !v.swaps() && v.URL.Path != "/" {
		q.Set("to", v.URL.RequestURI())
	}
	to := "/login"
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	if v.swaps() { // a redirect would put that page into a part of this one
		v.w.Header().Set("HX-Redirect", to)
		return nothing()
	}
	return goTo(to)
}

type signInPage struct {
	base
	To       string // where to go afterwards
	Link     string // token of a link
	Insecure bool   // nobody can sign in over this connection
	Problem  string
}

func (v *visit) signInPage() signInPage {
	return signInPage{
		base: v.base("Sign in", ""), To: v.FormValue("to"), Link: v.FormValue("link"), Insecure: !isSecure(v.Request) && !isLocal(v.Request),
	}
}

// showSignIn is GET /login.
func (c *Console) showSignIn(v *visit) (answer, error) { return show("signin", v.signInPage()), nil }

// signIn is POST /login, with an API key or the token of a link.
func (c *Console) signIn(v *visit) (answer, error) {
	p := v.signInPage()
	if p.Insecure {
		return refuse("signin", p), nil
	}
	key := strings.TrimSpace(v.FormValue("key"))
	if p.Link != "" {
		key = p.Link
	}
	s, err := c.clientOf(key).SignIn(v.ctx())
	if _, wrong := refusal(err, http.StatusUnauthorized); wrong {
		p.Problem = "There is no such key. Check that you have copied all of it; somebody who is signed in can make another one under API keys."
		if p.Link != "" {
			p.Link, p.Problem = "", "This link was used already, or is older than an hour. Sign in with an API key, or start the server again: it prints a new link."
		}
		c.Log.Warn("somebody tried to sign in with a wrong key")
		return refuse("signin", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	v.setCookie(cookieName(v.Request), s.Token, int(s.Expires.Sub(c.Now()).Seconds()))
	return goTo(localPath(p.To)), nil
}

// localPath is a path of this server: where a form may send the browser.
func localPath(to string) string {
	_, err := url.Parse(to) // fails for control characters, too
	if err != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/sources"
	}
	return to
}

// signOut is POST /logout, of this browser or of all that are signed in with the same key.
func (c *Console) signOut(v *visit) (answer, error) {
	end := v.client.SignOut
	if v.FormValue("everywhere") != "" {
		end = v.client.SignOutEverywhere
	}
	if err := end(v.ctx()); err != nil {
		return answer{}, err
	}
	v.setCookie(cookieName(v.Request), "", -1)
	return goTo("/login"), nil
}
