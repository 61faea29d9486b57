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
		{"GET /sources/{id}", c.showSource, false},
		{"GET /sources/{id}/{dataset}", c.showRows, false},
		{"GET /sources/{id}/customers/new", c.showNewCustomer, false},
		{"POST /sources/{id}/customers/new", c.addCustomer, false},
		{"GET /sources/{id}/settings", c.showSourceSettings, false},
		{"POST /sources/{id}/settings", c.changeReading, false},
		{"POST /sources/{id}/settings/schedule", c.changeSchedule, false},
		{"GET /sources/{id}/edits", c.listEdits, false},
		{"GET /sources/{id}/imports", c.listImports, false},
		{"GET /sources/{id}/imports/{job}/remaining", c.countRemaining, false},

		{"GET /customers", c.searchCustomers, false},
		{"GET /customers/{id}", c.showCustomer, false},
		{"GET /customers/{id}/edit", c.showEditCustomer, false},
		{"POST /customers/{id}/edit", c.editCustomer, false},
		{"GET /customers/{id}/merge", c.showMerge, false},
		{"POST /customers/{id}/merge", c.mergeCustomer, false},
		{"POST /customers/{id}/unmerge", c.unmergeCustomer, false},
		{"POST /customers/{id}/tags", c.addTag, false},
		{"POST /customers/{id}/tags/remove", c.removeTag, false},
		{"POST /customers/{id}/attributes", c.setAttribute, false},
		{"POST /customers/{id}/attributes/remove", c.removeAttribute, false},
		{"POST /customers/{id}/export", c.exportCustomer, false},
		{"GET /records/{id}", c.showRecord, false},
		{"POST /edits/{id}/revert", c.revertEdits, false},

		{"GET /jobs/{id}", c.showJob, false},
		{"GET /jobs/{id}/progress", c.showProgress, false},
	}
}

// home is GET /.
func (c *Console) home(*visit) (answer, error) { return goTo("/sources"), nil }
