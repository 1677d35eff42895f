/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "ipc/server.h"
#include "ipc/service.h"

#define SERVICE_VENDOR "liveupdated"
#define SERVICE_URL "https://docs.kernel.org/userspace-api/liveupdate.html"

/* Laid out as sd_varlink_idl_format() does it, so that varlinkctl prints it unchanged. */
static const char service_description[] =
                "# What every varlink service can tell about itself\n"
                "interface org.varlink.service\n"
                "\n"
                "# Get who made the service, what it is, and its interfaces\n"
                "method GetInfo() -> (\n"
                "\t# Who made it\n"
                "\tvendor: string,\n"
                "\t# What it is\n"
                "\tproduct: string,\n"
                "\t# Version of the product\n"
                "\tversion: string,\n"
                "\t# Where to read more\n"
                "\turl: string,\n"
                "\t# Names of its interfaces\n"
                "\tinterfaces: []string\n"
                ")\n"
                "\n"
                "# Get the description of one of its interfaces, in this language\n"
                "method GetInterfaceDescription(\n"
                "\t# Name of the interface\n"
                "\tinterface: string\n"
                ") -> (\n"
                "\t# The description\n"
                "\tdescription: string\n"
                ")\n"
                "\n"
                "# There is no such interface here\n"
                "error InterfaceNotFound(\n"
                "\t# The name asked for\n"
                "\tinterface: string\n"
                ")\n"
                "\n"
                "# The interface has no such method\n"
                "error MethodNotFound(\n"
                "\t# The method called, with its interface\n"
                "\tmethod: string\n"
                ")\n"
                "\n"
                "# The method is described but not implemented\n"
                "error MethodNotImplemented(\n"
                "\t# The method called, with its interface\n"
                "\tmethod: string\n"
                ")\n"
                "\n"
                "# A parameter is missing, of another type, or of a value that cannot be\n"
                "error InvalidParameter(\n"
                "\t# Name of the parameter\n"
                "\tparameter: string\n"
                ")\n"
                "\n"
                "# The caller may not do this\n"
                "error PermissionDenied()\n"
                "\n"
                "# The method can only be called with the 'more' flag\n"
                "error ExpectedMore()\n";

static int add_interfaces(const VarlinkServer *server, json_object *reply) {
        json_object *names = json_object_new_array();
        int r;

        r = json_add(reply, "interfaces", names);
        if (r < 0)
                return r;
        for (size_t i = 0; i < server->n_registrations; i++) {
                json_object *name = json_object_new_string(server->registrations[i].interface->name);

                if (!name || json_object_array_add(names, name) < 0) {
                        json_object_put(name);
                        return -ENOMEM;
                }
        }
        return 0;
}

static int get_info(VarlinkCall *call, json_object *parameters, void *userdata) {
        const VarlinkServer *server = userdata;
        _cleanup_json_ json_object *reply = json_object_new_object();
        int r;

        if (!reply)
                return -ENOMEM;
        r = json_add_string(reply, "vendor", SERVICE_VENDOR);
        r |= json_add_string(reply, "product", server->product);
        r |= json_add_string(reply, "version", server->version);
        r |= json_add_string(reply, "url", SERVICE_URL);
        r |= add_interfaces(server, reply);
        if (r < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(reply), NULL, 0);
}

static int get_interface_description(VarlinkCall *call, json_object *parameters, void *userdata) {
        const VarlinkServer *server = userdata;
        _cleanup_json_ json_object *reply = json_object_new_object();
        const Registration *registration;
        const char *name;

        if (!reply)
                return -ENOMEM;
        if (json_get_string(parameters, "interface", &name) < 0)
                return varlink_call_invalid_parameter(call, "interface");

        registration = server_find_interface(server, name, strlen(name));
        if (!registration) {
                if (json_add_string(reply, "interface", name) < 0)
                        return -ENOMEM;
                return varlink_call_error(call, SERVICE_ERROR("InterfaceNotFound"), TAKE_PTR(reply));
        }
        if (json_add_string(reply, "description", registration->interface->description) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(reply), NULL, 0);
}

static const VarlinkMethod service_methods[] = {
        { "GetInfo", get_info },
        { "GetInterfaceDescription", get_interface_description },
};

const VarlinkInterface service_interface = {
        .name = "org.varlink.service",
        .description = service_description,
        .methods = service_methods,
        .n_methods = ELEMENTSOF(service_methods),
};
