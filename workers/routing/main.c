/* SPDX-License-Identifier: Apache-2.0 */
/* routing-worker: activities 6 to 8 of the flow. See README.md. */
#include "routing.h"
#include "routing_stage.h"

int main(int argc, char **argv)
{
    return cf_worker_main(&cf_routing_stage, argc, argv);
}
