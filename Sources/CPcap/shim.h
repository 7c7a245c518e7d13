/* Debian's libpcap, to read capture files; no logic here. */
#ifndef ANABRANCH_CPCAP_SHIM_H
#define ANABRANCH_CPCAP_SHIM_H
#include <pcap/pcap.h>
#endif
