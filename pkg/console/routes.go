package console

// routes are all pages and forms.
func (c *Console) routes() []route {
	return []route{
		{"GET /{$}", c.home, true},
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
		{"POST /sources/sample", c.includeSample, false},
		{"GET /sources/{id}/import", c.showImport, false},
		{"POST /sources/{id}/uploads", c.uploadFiles, false},
		{"POST /sources/{id}/uploads/forms", c.announceFiles, false},
		{"GET /sources/{id}/uploads/{upload}", c.showUpload, false},
		{"POST /sources/{id}/uploads/{upload}", c.previewUpload, false},
		{"POST /sources/{id}/uploads/{upload}/discard", c.discardUpload, false},

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

		{"GET /sources/{id}/export", c.showExport, false},
		{"POST /sources/{id}/export", c.export, false},

		{"GET /erase", c.showErase, false},
		{"POST /erase", c.erase, false},
		{"POST /erase/export", c.exportFirst, false},
		{"GET /receipts", c.listReceipts, false},
		{"GET /receipts/{id}", c.showReceipt, false},

		{"GET /jobs/{id}", c.showJob, false},
		{"GET /jobs/{id}/progress", c.showProgress, false},
		{"POST /jobs/{id}/apply", c.applyJob, false},
		{"POST /jobs/{id}/cancel", c.cancelJob, false},
		{"POST /jobs/{id}/undo", c.undoJob, false},
		{"POST /jobs/{id}/restore", c.restoreJob, false},
		{"GET /jobs/{id}/export", c.jobExport, false},
		{"GET /jobs/{id}/changes", c.jobChanges, false},
		{"GET /jobs/{id}/changes/file", c.jobChangesFile, false},
		{"GET /jobs/{id}/rejects", c.jobRejects, false},
		{"POST /jobs/{id}/rejects", c.correctRejects, false},
		{"GET /jobs/{id}/rejects/file", c.jobRejectsFile, false},
	}
}

// home is GET /.
func (c *Console) home(*visit) (answer, error) { return goTo("/sources"), nil }
