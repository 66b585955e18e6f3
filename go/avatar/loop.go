package avatar

// frameAt is the template frame, of count, that output i shows: 1, 2, ..., n-1, n-2, ..., 0, 1, ..., entered start later.
func frameAt(i, start, count int) int {
	if count == 1 {
		return 0
	}
	turn := count - 1
	place := (i + 1 + start) % (2 * turn)
	if place > turn {
		return 2*turn - place
	}
	return place
}
