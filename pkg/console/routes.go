package console

// routes are all pages and forms.
func (c *Console) routes() []route {
	return []route{
		{"GET /{$}", c.home, false},
		{"GET /login", c.showSignIn, true},
		{"POST /login", c.signIn, true},
		{"POST /logout", c.signOut, false},
		{"POST /choices", c.choose, true},

		{"GET /sources", c.listSources, false},

		{"GET /jobs/{id}", c.showJob, false},
		{"GET /jobs/{id}/progress", c.showProgress, false},
	}
}

// home is GET /.
func (c *Console) home(*visit) (answer, error) { return goTo("/sources"), nil }
