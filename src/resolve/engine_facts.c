// SPDX-License-Identifier: Apache-2.0
/* Gives back what was said of one container. */

#include "resolve/engines.h"

#include <stdlib.h>

void container_facts_done(struct container_facts *facts)
{
	free(facts->image_digest);
	free(facts->image_reference);
	free(facts->name);
	free(facts->pod);
	free(facts->pod_namespace);
	free(facts->pod_uid);
	for (size_t i = 0; i < facts->n_labels; i++) {
		free(facts->labels[i].key);
		free(facts->labels[i].value);
	}
	free(facts->labels);
	*facts = (struct container_facts) { .runtime = NULL };
}
