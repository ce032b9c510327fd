"""Packages of the Open Virtualization Format, from exports and to exports.

    config.ini, dumps -> ovfconverter export -> .ovf, disk images, .mf, or all in one .ova
    .ovf or .ova      -> ovfconverter import -> config.ini, raw images

Source: DMTF DSP0243, Open Virtualization Format; packages that Ganeti's program of this name wrote.
"""
