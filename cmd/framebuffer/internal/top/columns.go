package top

// columns returns the columns of a table. Their ranks are chosen so that 80 columns show which client is too
// slow, and 60 still whether frames are written and read.
func columns(table int) []column {
	switch table {
	case clientsTable:
		return []column{
			{title: "CLIENT", width: 12, wish: 17}, {title: "PID", width: 7, rank: 3, number: true},
			{title: "ROLE", width: 9, rank: 4}, {title: "SEEN", width: 7, rank: 5, number: true},
			{title: "WRITE/s", width: 8, rank: 2, number: true}, {title: "READ/s", width: 8, rank: 2, number: true},
			{title: "LAG", width: 6, rank: 6, number: true}, {title: "TIMEOUTS", width: 9, rank: 1, number: true},
			{title: "WRITTEN", width: 8, rank: 7, number: true}, {title: "READ", width: 8, rank: 7, number: true},
			{title: "ALTERED", width: 8, rank: 8, number: true},
			{title: "FRAMES W", width: 9, rank: 9, number: true}, {title: "FRAMES R", width: 9, rank: 9, number: true},
			{title: "ATTACHED", width: 9, rank: 10, number: true}, {title: "OVER NATS", width: 10, rank: 11, number: true},
		}
	case topicsTable:
		return []column{
			{title: "TOPIC", width: 14, wish: 17}, {title: "FRAMES/s", width: 9, rank: 1, number: true},
			{title: "BYTES/s", width: 8, rank: 3, number: true}, {title: "FRAMES", width: 7, rank: 5, number: true},
			{title: "SUBS", width: 5, rank: 4, number: true}, {title: "LAG", width: 6, rank: 1, number: true},
			{title: "LOST", width: 7, rank: 2, number: true}, {title: "NEWEST", width: 8, rank: 3, number: true},
			{title: "SIZE", width: 8, rank: 6, number: true}, {title: "WHAT", width: 18, rank: 7},
			{title: "FROM", width: 18, rank: 8}, {title: "BYTES", width: 8, rank: 9, number: true},
		}
	}
	return []column{
		{title: "SUBSCRIBER", width: 12, wish: 20}, {title: "OF TOPIC", width: 10, wish: 16},
		{title: "PID", width: 7, rank: 4, number: true}, {title: "LAG", width: 6, rank: 1, number: true},
		{title: "ALIVE", width: 6, rank: 5, number: true}, {title: "RECEIVED", width: 9, rank: 3, number: true},
		{title: "LOST/s", width: 7, rank: 1, number: true}, {title: "LOST", width: 7, rank: 2, number: true},
	}
}
